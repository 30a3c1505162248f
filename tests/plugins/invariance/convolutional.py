"""Thin convolutional networks of many families, written for these tests."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from tests.plugins.invariance.cases import case, images
from torch import Tensor, nn


def cbr(
    a: int, b: int, k: int = 3, s: int = 1, act: Callable[[], nn.Module] = nn.ReLU, **more
) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(a, b, k, s, k // 2, bias=False, **more), nn.BatchNorm2d(b), act())


class Head(nn.Module):
    def __init__(self, width: int, classes: int = 10) -> None:
        super().__init__()
        self.fc = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


@case("vgg")
def vgg() -> nn.Module:
    blocks = [cbr(3, 16), cbr(16, 16), nn.MaxPool2d(2), cbr(16, 24), nn.MaxPool2d(2)]
    return nn.Sequential(
        *blocks, nn.Flatten(), nn.Linear(24 * 16, 32), nn.ReLU(), nn.Dropout(), nn.Linear(32, 10)
    )


@case("vgg_no_norm")
def vgg_no_norm() -> nn.Module:
    convs = [
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 24, 3, padding=1),
        nn.LeakyReLU(0.1),
    ]
    return nn.Sequential(*convs, Head(24))


class _LeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
        self.f1, self.f2, self.f3 = nn.Linear(16 * 16, 40), nn.Linear(40, 24), nn.Linear(24, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.avg_pool2d(torch.tanh(self.c1(x)), 2)
        x = F.max_pool2d(torch.relu(self.c2(x)), 2)
        x = x.view(x.size(0), -1)
        return self.f3(torch.tanh(self.f2(torch.relu(self.f1(x)))))


case("lenet", images(28, 1))(_LeNet)


class Residual(nn.Module):
    def __init__(self, a: int, b: int, stride: int = 1, shortcut: str = "identity") -> None:
        super().__init__()
        self.c1, self.n1 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)
        self.c2, self.n2 = nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)
        self.kind, self.stride, self.extra = shortcut, stride, b - a
        self.down = nn.Sequential()
        if shortcut == "projection":
            self.down = nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b))

    def forward(self, x: Tensor) -> Tensor:
        y = self.n2(self.c2(F.relu(self.n1(self.c1(x)), inplace=True)))
        if self.kind == "pad":
            half = self.extra // 2
            x = F.pad(
                x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, half, self.extra - half), "constant", 0
            )
        else:
            x = self.down(x)
        y += x
        return F.relu(y)


@case("resnet_identity")
def resnet_identity() -> nn.Module:
    return nn.Sequential(cbr(3, 16), Residual(16, 16), Residual(16, 16), Head(16))


@case("resnet_projection")
def resnet_projection() -> nn.Module:
    return nn.Sequential(
        cbr(3, 16), Residual(16, 16), Residual(16, 24, 2, "projection"), Residual(24, 24), Head(24)
    )


@case("resnet_option_a")
def resnet_option_a() -> nn.Module:
    return nn.Sequential(cbr(3, 16), Residual(16, 16), Residual(16, 32, 2, "pad"), Residual(32, 32), Head(32))


class PreAct(nn.Module):
    def __init__(self, a: int, b: int, stride: int = 1) -> None:
        super().__init__()
        self.n1, self.c1 = nn.BatchNorm2d(a), nn.Conv2d(a, b, 3, stride, 1, bias=False)
        self.n2, self.c2 = nn.BatchNorm2d(b), nn.Conv2d(b, b, 3, 1, 1, bias=False)
        self.down = nn.Conv2d(a, b, 1, stride, bias=False) if a != b or stride > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.n1(x))
        short = x if self.down is None else self.down(y)
        return self.c2(F.dropout(F.relu(self.n2(self.c1(y))), 0.3, self.training)) + short


@case("preact_resnet")
def preact() -> nn.Module:
    tail = [nn.BatchNorm2d(24), nn.ReLU(), Head(24)]
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), PreAct(16, 16), PreAct(16, 16), PreAct(16, 24, 2), *tail
    )


@case("wide_resnet")
def wide_resnet() -> nn.Module:
    stem = nn.Conv2d(3, 8, 3, padding=1, bias=False)
    return nn.Sequential(stem, PreAct(8, 32), PreAct(32, 32), nn.BatchNorm2d(32), nn.ReLU(), Head(32))


class Dense(nn.Module):
    def __init__(self, a: int, growth: int) -> None:
        super().__init__()
        self.n1, self.c1 = nn.BatchNorm2d(a), nn.Conv2d(a, 2 * growth, 1, bias=False)
        self.n2, self.c2 = nn.BatchNorm2d(2 * growth), nn.Conv2d(2 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.c2(F.relu(self.n2(self.c1(F.relu(self.n1(x))))))], 1)


@case("densenet")
def densenet() -> nn.Module:
    stem = [nn.Conv2d(3, 16, 3, padding=1, bias=False), Dense(16, 6), Dense(22, 6)]
    middle = [nn.BatchNorm2d(28), nn.ReLU(), nn.Conv2d(28, 14, 1, bias=False), nn.AvgPool2d(2), Dense(14, 6)]
    return nn.Sequential(*stem, *middle, nn.BatchNorm2d(20), nn.ReLU(), Head(20))


class Inception(nn.Module):
    def __init__(self, a: int) -> None:
        super().__init__()
        self.b1 = cbr(a, 8, 1)
        self.b2 = nn.Sequential(cbr(a, 6, 1), cbr(6, 8, 3))
        self.b3 = nn.Sequential(cbr(a, 6, 1), cbr(6, 8), cbr(8, 8))
        self.pool = cbr(a, 4, 1)
        self.left = nn.Conv2d(a, 6, (1, 3), padding=(0, 1))
        self.right = nn.Conv2d(a, 6, (3, 1), padding=(1, 0))

    def forward(self, x: Tensor) -> Tensor:
        split = torch.cat([F.relu(self.left(x)), F.relu(self.right(x))], 1)
        pooled = self.pool(F.avg_pool2d(x, 3, 1, 1))
        return torch.cat([self.b1(x), self.b2(x), self.b3(x), pooled, split, F.max_pool2d(x, 3, 1, 1)], dim=1)


@case("inception_v3")
def inception() -> nn.Module:
    return nn.Sequential(cbr(3, 12), Inception(12), cbr(52, 16, 1), Inception(16), Head(56))


class Inverted(nn.Module):
    def __init__(self, a: int, b: int, stride: int, act: Callable[[], nn.Module] = nn.ReLU6) -> None:
        super().__init__()
        self.body = nn.Sequential(
            cbr(a, 3 * a, 1, act=act),
            cbr(3 * a, 3 * a, 3, stride, act=act, groups=3 * a),
            nn.Conv2d(3 * a, b, 1, bias=False),
            nn.BatchNorm2d(b),
        )
        self.add = stride == 1 and a == b

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.add else self.body(x)


@case("mobilenet_v2")
def mobilenet() -> nn.Module:
    return nn.Sequential(
        cbr(3, 8, act=nn.ReLU6), Inverted(8, 8, 1), Inverted(8, 12, 2), Inverted(12, 12, 1), Head(12)
    )


@case("mobilenet_relu_multiplier")
def mobilenet_relu() -> nn.Module:
    double = nn.Conv2d(12, 24, 3, padding=1, groups=12)
    return nn.Sequential(
        cbr(3, 8), Inverted(8, 12, 1, nn.ReLU), double, nn.BatchNorm2d(24), nn.ReLU(), Head(24)
    )


class Squeeze(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = Residual(width, width)
        self.f1, self.f2 = nn.Linear(width, width // 2), nn.Linear(width // 2, width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.body.n2(self.body.c2(F.relu(self.body.n1(self.body.c1(x)))))
        gate = torch.sigmoid(self.f2(F.relu(self.f1(y.mean((2, 3))))))
        return F.relu(x + y * gate.view(y.size(0), -1, 1, 1))


@case("se_resnet")
def se_resnet() -> nn.Module:
    return nn.Sequential(cbr(3, 16), Squeeze(16), Squeeze(16), Head(16))


class Next(nn.Module):
    def __init__(self, a: int, groups: int, norm: Callable[[int], nn.Module] = nn.BatchNorm2d) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(a, 24, 1), norm(24), nn.ReLU(), nn.Conv2d(24, 24, 3, padding=1, groups=groups), norm(24),
            nn.ReLU(), nn.Conv2d(24, a, 1), norm(a),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.body(x))


@case("resnext")
def resnext() -> nn.Module:
    return nn.Sequential(cbr(3, 16), Next(16, 4), Next(16, 6), Head(16))


@case("resnext_group_norm")
def resnext_group_norm() -> nn.Module:
    """Group norm over the blocks of the grouped convolution, and over other blocks."""
    same, other = Next(16, 4, lambda n: nn.GroupNorm(4, n)), Next(16, 4, lambda n: nn.GroupNorm(8, n))
    return nn.Sequential(cbr(3, 16), same, other, Head(16))


def shuffle(x: Tensor, groups: int) -> Tensor:
    b, c, h, w = x.size()
    return x.view(b, groups, c // groups, h, w).transpose(1, 2).contiguous().view(b, c, h, w)


class Shuffle(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        depth = [nn.Conv2d(half, half, 3, padding=1, groups=half, bias=False), nn.BatchNorm2d(half)]
        self.body = nn.Sequential(cbr(half, half, 1), *depth, cbr(half, half, 1))

    def forward(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, dim=1)
        return shuffle(torch.cat((a, self.body(b)), 1), 2)


@case("shufflenet_v2")
def shufflenet() -> nn.Module:
    return nn.Sequential(cbr(3, 16), Shuffle(16), Shuffle(16), nn.ChannelShuffle(4), cbr(16, 20, 1), Head(20))


class _Generator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(20, 24 * 16)
        up = nn.ConvTranspose2d
        self.body = nn.Sequential(
            up(24, 16, 4, 2, 1), nn.BatchNorm2d(16), nn.ReLU(), up(16, 12, 4, 2, 1, bias=False), nn.BatchNorm2d(12),
            nn.ReLU(), nn.Conv2d(12, 3, 3, padding=1), nn.Tanh(),
        )  # fmt: skip

    def forward(self, z: Tensor) -> Tensor:
        return self.body(F.relu(self.fc(z)).view(-1, 24, 4, 4))


case("dcgan", lambda: torch.randn(3, 20, generator=torch.Generator().manual_seed(5)))(_Generator)


@case("conv_transpose_grouped")
def conv_transpose_grouped() -> nn.Module:
    up = [nn.ConvTranspose2d(12, 18, 2, 2, groups=3), nn.BatchNorm2d(18), nn.ReLU()]
    deep = [nn.ConvTranspose2d(18, 18, 3, groups=18), nn.PReLU(18)]
    return nn.Sequential(cbr(3, 12), *up, *deep, Head(18))


def resnet18(width: int = 64, classes: int = 10) -> nn.Module:
    """ResNet-18 with its CIFAR stem; 11.2 M parameters at full width."""
    stages, before = [], width
    for stage in range(4):
        wide = width << stage
        stages.append(
            Residual(before, wide, 1 if stage == 0 else 2, "identity" if stage == 0 else "projection")
        )
        stages.append(Residual(wide, wide))
        before = wide
    return nn.Sequential(cbr(3, width), *stages, Head(before, classes))
