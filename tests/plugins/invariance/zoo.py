"""Networks of `timm`, which nobody of this project wrote: built without downloads, with statistics of a used network.

timm imports torchvision, which the tests do without: while timm is imported, a stub stands in its place.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

HARD: dict[str, tuple[int, dict[str, Any]]] = {
    "densenet121": (64, {"growth_rate": 8, "block_config": (2, 2, 2, 2)}),
    "resnetv2_50": (64, {"layers": (1, 1, 1, 1), "width_factor": 1}),
    "efficientnet_b0": (64, {}),
    "regnety_002": (64, {}),
    "mobilenetv2_035": (64, {}),
    "swin_tiny_patch4_window7_224": (
        56,
        {"img_size": 56, "embed_dim": 24, "depths": (2, 2), "num_heads": (3, 6)},
    ),
    "mixer_s32_224": (64, {"img_size": 64}),
    "vit_tiny_patch16_224": (64, {"img_size": 64, "depth": 2}),
    "convnext_atto": (64, {}),
    "xcit_nano_12_p16_224": (64, {"depth": 2}),
}
"""Input size and what makes each small: one of every kind that once was refused, changed or hardly reached."""


class _Name(type):
    def __getattr__(cls, name: str) -> str:
        if name.startswith("__"):
            raise AttributeError(name)
        return f"{cls.__name__}.{name}"


class _Stub(ModuleType):
    __path__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Name(name, (), {"__init__": lambda self, *args, **kwargs: None})


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name.partition(".")[0] != "torchvision":
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: Any) -> ModuleType:
        return _Stub(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


def load() -> Any:
    """The module timm, imported without torchvision; nothing of the stub stays behind."""
    finder = _Finder()
    sys.meta_path.append(finder)
    try:
        return importlib.import_module("timm")
    finally:
        sys.meta_path.remove(finder)
        for name in [n for n, m in sys.modules.items() if isinstance(m, _Stub)]:
            del sys.modules[name]


def lived(model: nn.Module, seed: int = 0) -> nn.Module:
    """Random statistics and affine parameters, and nothing at the constant it is initialised with."""
    rng = torch.Generator().manual_seed(seed)

    def normal(like: Tensor) -> Tensor:
        return torch.empty_like(like).normal_(generator=rng)

    with torch.no_grad():
        for module in model.modules():
            if isinstance(getattr(module, "running_var", None), Tensor):
                module.running_mean.copy_(0.3 * normal(module.running_mean))
                module.running_var.copy_(0.5 + torch.rand(module.running_var.shape, generator=rng))
        for parameter in model.parameters():
            first = parameter.flatten()[0]
            if parameter.numel() > 1 and bool((parameter == first).all()):
                parameter.copy_((first != 0) + 0.3 * normal(parameter))
            elif parameter.ndim > 1 and float(parameter.abs().max()) < 1e-3:
                parameter.copy_(0.1 * normal(parameter))  # or a bias would hide whatever happened before
    return model.eval()


def built(name: str, **small: Any) -> nn.Module:
    """A network by name, with ten labels."""
    torch.manual_seed(0)
    return lived(load().create_model(name, num_classes=10, **small))


def smallest() -> dict[str, str]:
    """The member with the fewest parameters of every family that builds on the meta device."""
    timm, found = load(), {}
    for family in sorted(timm.list_modules()):
        sizes = {}
        for name in timm.list_models(module=family):
            with torch.device("meta"):
                sizes[name] = sum(p.numel() for p in timm.create_model(name).parameters())
        found[family] = min(sizes, key=lambda name: sizes[name])
    return found
