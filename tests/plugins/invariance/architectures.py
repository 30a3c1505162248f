"""Thin networks of many families, written for these tests, and `ready`, which gives them lived-in statistics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune


@dataclass(frozen=True)
class Case:
    """A network, one input for it, and whether it is convolutional (then nearly all parameters must change)."""

    build: Callable[[], nn.Module]
    example: Callable[[], Tensor | tuple[Tensor, ...]]
    convolutional: bool = True
    exact_flip: bool = True
    exact_scale: bool = True


CASES: dict[str, Case] = {}


def images(size: int = 16, channels: int = 3, batch: int = 3) -> Callable[[], Tensor]:
    return lambda: torch.randn(batch, channels, size, size, generator=torch.Generator().manual_seed(5))


def case(name: str, example: Callable[[], Tensor | tuple[Tensor, ...]] | None = None, **facts: bool):
    def enter(build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
        CASES[name] = Case(build, example or images(), **facts)
        return build

    return enter


def ready(model: nn.Module, seed: int = 0, dtype: torch.dtype = torch.float32) -> nn.Module:
    """Random affine parameters and statistics; in each norm a negative and a zero gamma and a tiny variance."""
    rng = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(getattr(module, "running_var", None), Tensor):
            module.running_mean.copy_(0.3 * torch.randn(module.num_features, generator=rng))
            module.running_var.copy_(0.5 + torch.rand(module.num_features, generator=rng))
            module.running_var[0] = 1e-8
        if "Norm" in type(module).__name__ and isinstance(getattr(module, "weight", None), nn.Parameter):
            with torch.no_grad():
                module.weight.copy_(torch.empty_like(module.weight).normal_(generator=rng))
                if isinstance(getattr(module, "running_var", None), Tensor):
                    module.weight[0] *= 3e-3  # the gain of the channel of variance 1e-8 stays ordinary
                module.weight.view(-1)[-1] = 0
                if getattr(module, "bias", None) is not None:
                    module.bias.copy_(0.3 * torch.empty_like(module.bias).normal_(generator=rng))
    return model.to(dtype).eval()


def cbr(a: int, b: int, k: int = 3, s: int = 1, act: Callable[[], nn.Module] = nn.ReLU, **more) -> nn.Sequential:
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
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(24 * 16, 32), nn.ReLU(), nn.Dropout(), nn.Linear(32, 10))


@case("vgg_no_norm")
def vgg_no_norm() -> nn.Module:
    convs = [nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 24, 3, padding=1), nn.LeakyReLU(0.1)]
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
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, half, self.extra - half), "constant", 0)
        else:
            x = self.down(x)
        y += x
        return F.relu(y)


@case("resnet_identity")
def resnet_identity() -> nn.Module:
    return nn.Sequential(cbr(3, 16), Residual(16, 16), Residual(16, 16), Head(16))


@case("resnet_projection")
def resnet_projection() -> nn.Module:
    return nn.Sequential(cbr(3, 16), Residual(16, 16), Residual(16, 24, 2, "projection"), Residual(24, 24), Head(24))


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
    return nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), PreAct(16, 16), PreAct(16, 16), PreAct(16, 24, 2), *tail)


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
    return nn.Sequential(cbr(3, 8, act=nn.ReLU6), Inverted(8, 8, 1), Inverted(8, 12, 2), Inverted(12, 12, 1), Head(12))


@case("mobilenet_relu_multiplier")
def mobilenet_relu() -> nn.Module:
    double = nn.Conv2d(12, 24, 3, padding=1, groups=12)
    return nn.Sequential(cbr(3, 8), Inverted(8, 12, 1, nn.ReLU), double, nn.BatchNorm2d(24), nn.ReLU(), Head(24))


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


class _Captioner(nn.Module):
    """Image features start an LSTM cell that runs for three words."""

    def __init__(self) -> None:
        super().__init__()
        self.cnn = nn.Sequential(cbr(3, 12), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.h0, self.c0 = nn.Linear(12, 16), nn.Linear(12, 16)
        self.words, self.cell, self.out = nn.Embedding(20, 14), nn.LSTMCell(14, 16), nn.Linear(16, 20)

    def forward(self, x: Tensor, words: Tensor) -> Tensor:
        features = self.cnn(x)
        h, c = self.h0(features), self.c0(features)
        scores = []
        for step in range(3):
            h, c = self.cell(self.words(words[:, step]), (h, c))
            scores.append(self.out(h))
        return torch.stack(scores, 1)


@case("lstm_captioner", lambda: (images()(), torch.arange(9).view(3, 3)), convolutional=False)
def captioner() -> nn.Module:
    return _Captioner()


class _Recurrent(nn.Module):
    def __init__(self, kind: type[nn.Module], **more) -> None:
        super().__init__()
        self.words = nn.Embedding(20, 12)
        self.body = kind(12, 10, num_layers=2, batch_first=True, bidirectional=True, **more)
        self.out = nn.Linear(20, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.body(self.words(x))[0][:, -1])


def words() -> Tensor:
    return torch.arange(24).view(4, 6) % 20


case("gru", words, convolutional=False)(lambda: _Recurrent(nn.GRU))
case("lstm", words, convolutional=False)(lambda: _Recurrent(nn.LSTM))
case("rnn", words, convolutional=False)(lambda: _Recurrent(nn.RNN))


class _Cell(nn.Module):
    """A GRU cell written out over zeros, with a tied embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.cell = nn.Embedding(20, 12), nn.GRUCell(12, 12)
        self.project, self.out = nn.Linear(12, 12), nn.Linear(12, 20, bias=False)
        self.out.weight = self.words.weight

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(4, 12, dtype=self.words.weight.dtype)
        for step in range(3):
            h = self.cell(self.words(x[:, step]), h)
        return self.out(torch.tanh(self.project(h)))


case("gru_cell_tied", words, convolutional=False)(_Cell)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, fused: bool) -> None:
        super().__init__()
        self.qkv, self.out, self.heads, self.fused = nn.Linear(width, 3 * width), nn.Linear(width, width), heads, fused

    def forward(self, x: Tensor) -> Tensor:
        b, n, d = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = ((q * (d // self.heads) ** -0.5) @ k.transpose(-2, -1)).softmax(dim=-1) @ v
        return self.out(y.transpose(1, 2).reshape(b, n, d))


class TransformerBlock(nn.Module):
    def __init__(self, width: int, attention: nn.Module, norm: Callable[[int], nn.Module] = nn.LayerNorm) -> None:
        super().__init__()
        self.n1, self.n2, self.attention = norm(width), norm(width), attention
        self.mlp = nn.Sequential(nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width))
        self.gamma = nn.Parameter(torch.linspace(0.5, 1.5, width))

    def forward(self, x: Tensor) -> Tensor:
        y = self.n1(x)
        y = self.attention(y, y, y)[0] if isinstance(self.attention, nn.MultiheadAttention) else self.attention(y)
        x = x + self.gamma * y
        return x + self.mlp(self.n2(x))


class _ViT(nn.Module):
    def __init__(self, norm: Callable[[int], nn.Module] = nn.LayerNorm) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 24, 4, 4)
        self.cls = nn.Parameter(torch.randn(1, 1, 24))
        self.pos = nn.Parameter(torch.randn(1, 17, 24))
        kinds = [Attention(24, 4, True), Attention(24, 3, False), nn.MultiheadAttention(24, 2, batch_first=True)]
        self.blocks = nn.Sequential(*(TransformerBlock(24, kind, norm) for kind in kinds))
        self.norm, self.head = norm(24), nn.Linear(24, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], dim=1) + self.pos
        return self.head(self.norm(self.blocks(x))[:, 0])


case("vit", convolutional=False)(_ViT)
case("vit_rms_norm", convolutional=False)(lambda: _ViT(nn.RMSNorm))


class _Gated(nn.Module):
    """A gated MLP with a hand-written scale and a maximum over tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.gate, self.up, self.down = (nn.Linear(8, 12), nn.Linear(12, 20), nn.Linear(12, 20), nn.Linear(20, 6))
        self.scale = nn.Parameter(torch.linspace(-1, 1, 20))
        self.norm = nn.RMSNorm(12)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.inner(x))
        return self.down((F.silu(self.gate(x)) * self.up(x) * self.scale).amax(1))


case("gated_mlp", lambda: torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(5)), convolutional=False)(_Gated)


def normed(norm: Callable[[int], nn.Module], act: Callable[[], nn.Module] = nn.ReLU) -> nn.Module:
    convs = [nn.Conv2d(3, 16, 3, padding=1), norm(16), act(), nn.Conv2d(16, 24, 3, 2, 1, bias=False), norm(24), act()]
    return nn.Sequential(*convs, Head(24))


case("group_norm")(lambda: normed(lambda n: nn.GroupNorm(4, n)))
case("layer_norm")(lambda: normed(lambda n: nn.GroupNorm(1, n)))
case("instance_norm")(lambda: normed(lambda n: nn.InstanceNorm2d(n, affine=True)))
case("instance_norm_plain")(lambda: normed(nn.InstanceNorm2d))
case("batch_norm_plain")(lambda: normed(lambda n: nn.BatchNorm2d(n, affine=False)))
case("batch_norm_no_statistics")(lambda: normed(lambda n: nn.BatchNorm2d(n, track_running_stats=False)))
case("silu")(lambda: normed(nn.BatchNorm2d, nn.SiLU))
case("prelu")(lambda: nn.Sequential(cbr(3, 16), nn.Conv2d(16, 20, 3), nn.PReLU(20), nn.Conv2d(20, 20, 1), nn.PReLU(), Head(20)))


@case("layer_norm_spatial")
def layer_norm_spatial() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.LayerNorm([12, 16, 16]), nn.ReLU(), nn.Flatten(), nn.Linear(12 * 256, 8))


@case("pruned")
def pruned() -> nn.Module:
    model = nn.Sequential(cbr(3, 16), Residual(16, 16), nn.Conv2d(16, 24, 3, groups=2), nn.ReLU(), Head(24))
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            prune.l1_unstructured(module, "weight", amount=0.4)
    return model


@case("pruned_structured")
def pruned_structured() -> nn.Module:
    model = resnet_projection()
    prune.ln_structured(model[1].c1, "weight", amount=0.5, n=2, dim=0)
    prune.random_unstructured(model[3].n1, "weight", amount=0.25)
    return model


@case("weight_norm")
def weight_norm() -> nn.Module:
    model = nn.Sequential(cbr(3, 16), nn.Conv2d(16, 24, 3), nn.ReLU(), nn.Conv2d(24, 24, 3), nn.ReLU(), Head(24))
    parametrizations.weight_norm(model[1])
    torch.nn.utils.weight_norm(model[3])
    return model


@case("spectral_norm", exact_flip=False)
def spectral_norm() -> nn.Module:
    model = nn.Sequential(cbr(3, 16), nn.Conv2d(16, 24, 3), nn.BatchNorm2d(24), nn.ReLU(), nn.Conv2d(24, 24, 3), nn.Tanh(), Head(24))
    parametrizations.spectral_norm(model[1])
    torch.nn.utils.spectral_norm(model[4])
    return model


class _Shared(nn.Module):
    """One convolution and one norm used twice, on their own output."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.conv, self.norm, self.head = cbr(3, 16), nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), Head(16)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for _ in range(2):
            x = F.relu(self.norm(self.conv(x)))
        return self.head(x)


case("weight_shared")(_Shared)


class _Siamese(nn.Module):
    """Two inputs through one branch, joined and compared."""

    def __init__(self) -> None:
        super().__init__()
        self.branch, self.head = nn.Sequential(cbr(3, 12), cbr(12, 16, 3, 2)), Head(32, 2)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        a, b = self.branch(a), self.branch(b)
        return self.head(torch.cat([a + b, torch.abs(a - b)], 1))


case("siamese", lambda: (images()(), images()() + 1))(_Siamese)


@case("conv1d", lambda: torch.randn(3, 4, 32, generator=torch.Generator().manual_seed(5)))
def conv1d() -> nn.Module:
    first = [nn.Conv1d(4, 16, 5, padding=2), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(2)]
    second = [nn.Conv1d(16, 24, 3, padding=1), nn.InstanceNorm1d(24, affine=True), nn.ReLU(), nn.AvgPool1d(4), nn.Flatten()]
    return nn.Sequential(*first, *second, nn.Linear(24 * 4, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))


@case("conv3d", lambda: torch.randn(2, 2, 6, 8, 8, generator=torch.Generator().manual_seed(5)))
def conv3d() -> nn.Module:
    first = [nn.Conv3d(2, 12, 3, padding=1), nn.BatchNorm3d(12), nn.ReLU(), nn.MaxPool3d(2)]
    return nn.Sequential(*first, nn.ConvTranspose3d(12, 16, 2), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(16, 10))


class _Unet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = cbr(3, 12), cbr(12, 20), cbr(32, 12)
        self.squeeze, self.shuffle, self.out = nn.Conv2d(12, 16, 1), nn.PixelShuffle(2), nn.Conv2d(4, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.a(x)
        b = F.interpolate(self.b(F.max_pool2d(a, 2)), scale_factor=2, mode="bilinear")
        return self.out(self.shuffle(self.squeeze(self.c(torch.cat([a, b], 1)))))


case("unet")(_Unet)


class _Spatial(nn.Module):
    """Attention over positions from the mean and the maximum over channels; a multiply of channel slices."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.mask, self.body = cbr(3, 16), nn.Conv2d(2, 1, 3, padding=1), cbr(16, 24)
        self.head = Head(12)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        seen = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
        x = self.body(x * torch.sigmoid(self.mask(seen)))
        return self.head(x[:, :12] * torch.sigmoid(x[:, 12:]))


case("spatial_attention")(_Spatial)


def resnet18(width: int = 64, classes: int = 10) -> nn.Module:
    """ResNet-18 with its CIFAR stem; 11.2 M parameters at full width."""
    stages, before = [], width
    for stage in range(4):
        wide = width << stage
        stages.append(Residual(before, wide, 1 if stage == 0 else 2, "identity" if stage == 0 else "projection"))
        stages.append(Residual(wide, wide))
        before = wide
    return nn.Sequential(cbr(3, width), *stages, Head(before, classes))
