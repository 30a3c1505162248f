"""Normalisers, activations, parametrisations, sharing and other dimensions."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from tests.plugins.invariance.cases import case, images
from tests.plugins.invariance.convolutional import Head, Residual, cbr, resnet_projection
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune


def normed(norm: Callable[[int], nn.Module], act: Callable[[], nn.Module] = nn.ReLU) -> nn.Module:
    convs = [
        nn.Conv2d(3, 16, 3, padding=1),
        norm(16),
        act(),
        nn.Conv2d(16, 24, 3, 2, 1, bias=False),
        norm(24),
        act(),
    ]
    return nn.Sequential(*convs, Head(24))


case("group_norm")(lambda: normed(lambda n: nn.GroupNorm(4, n)))
case("layer_norm")(lambda: normed(lambda n: nn.GroupNorm(1, n)))
case("instance_norm")(lambda: normed(lambda n: nn.InstanceNorm2d(n, affine=True)))
case("instance_norm_plain")(lambda: normed(nn.InstanceNorm2d))
case("batch_norm_plain")(lambda: normed(lambda n: nn.BatchNorm2d(n, affine=False)))
case("batch_norm_no_statistics")(lambda: normed(lambda n: nn.BatchNorm2d(n, track_running_stats=False)))
case("silu")(lambda: normed(nn.BatchNorm2d, nn.SiLU))
case("prelu")(
    lambda: nn.Sequential(
        cbr(3, 16), nn.Conv2d(16, 20, 3), nn.PReLU(20), nn.Conv2d(20, 20, 1), nn.PReLU(), Head(20)
    )
)


@case("layer_norm_spatial")
def layer_norm_spatial() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1),
        nn.LayerNorm([12, 16, 16]),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(12 * 256, 8),
    )


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
    model = nn.Sequential(
        cbr(3, 16), nn.Conv2d(16, 24, 3), nn.ReLU(), nn.Conv2d(24, 24, 3), nn.ReLU(), Head(24)
    )
    parametrizations.weight_norm(model[1])
    torch.nn.utils.weight_norm(model[3])
    return model


@case("spectral_norm")
def spectral_norm() -> nn.Module:
    model = nn.Sequential(
        cbr(3, 16),
        nn.Conv2d(16, 24, 3),
        nn.BatchNorm2d(24),
        nn.ReLU(),
        nn.Conv2d(24, 24, 3),
        nn.Tanh(),
        Head(24),
    )
    parametrizations.spectral_norm(model[1])
    torch.nn.utils.spectral_norm(model[4])
    return model


class _Shared(nn.Module):
    """One convolution and one norm used twice, on their own output."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.conv, self.norm, self.head = (
            cbr(3, 16),
            nn.Conv2d(16, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            Head(16),
        )

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
    second = [
        nn.Conv1d(16, 24, 3, padding=1),
        nn.InstanceNorm1d(24, affine=True),
        nn.ReLU(),
        nn.AvgPool1d(4),
        nn.Flatten(),
    ]
    return nn.Sequential(
        *first, *second, nn.Linear(24 * 4, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10)
    )


@case("conv3d", lambda: torch.randn(2, 2, 6, 8, 8, generator=torch.Generator().manual_seed(5)))
def conv3d() -> nn.Module:
    first = [nn.Conv3d(2, 12, 3, padding=1), nn.BatchNorm3d(12), nn.ReLU(), nn.MaxPool3d(2)]
    return nn.Sequential(
        *first,
        nn.ConvTranspose3d(12, 16, 2),
        nn.ReLU(),
        nn.AdaptiveAvgPool3d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )


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
