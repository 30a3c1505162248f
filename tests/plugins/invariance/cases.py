"""The register of test networks, and `ready`, which gives a network lived-in statistics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Case:
    """A network, one input for it, and whether it is convolutional (then nearly all parameters must change)."""

    build: Callable[[], nn.Module]
    example: Callable[[], Tensor | tuple[Tensor, ...]]
    convolutional: bool = True


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
