"""How a weight is stored: plainly, pruned (orig and mask), weight-normalised (g and v) or spectrally normalised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import _SpectralNorm, _WeightNorm
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from ownmark_invariance.grouping.book import Book, Role, Use
from ownmark_invariance.grouping.errors import Unsupported
from ownmark_invariance.grouping.labels import Axis
from ownmark_invariance.grouping.symbols import Ints

KNOWN_HOOKS = (BasePruningMethod, SpectralNorm, WeightNorm)


@dataclass(frozen=True)
class Ref:
    """A weight by where it lives: the module, its path in the model, the attribute's name."""

    owner: nn.Module
    path: str
    name: str

    def stored(self, suffix: str) -> Ref | None:
        """Where `<name><suffix>` is stored; suffixes may lead into the module's parametrisations."""
        *path, last = (self.name + suffix).split(".")
        owner = self.owner
        for part in path:
            child = owner._modules.get(part)
            if child is None:
                return None
            owner = child
        found = last in owner._parameters or last in owner._buffers
        return Ref(owner, ".".join(filter(None, (self.path, *path))), last) if found else None

    @property
    def tensor(self) -> Tensor | None:
        """The stored tensor, or none (a layer without bias)."""
        held = self.owner._parameters.get(self.name)
        return held if held is not None else self.owner._buffers.get(self.name)


def has_foreign_hooks(module: nn.Module) -> bool:
    """Whether hooks could change what the module computes in a way that the rules do not know."""
    return bool(module._forward_hooks) or any(
        not isinstance(hook, KNOWN_HOOKS) for hook in module._forward_pre_hooks.values()
    )


class Emitter(Protocol):
    """A weight in another form, which knows what its axes mean for what is stored."""

    def emit(self, book: Book, axes: Sequence[Axis], role: Role = "dense", **more: Any) -> None:
        """Record what the axes carry."""


def record(book: Book, ref: Ref | Emitter, axes: Sequence[Axis], role: Role = "dense", **more: Any) -> None:
    """Record what the axes of a weight carry, in whatever form it is stored."""
    axes = tuple(axes)
    if not isinstance(ref, Ref):
        ref.emit(book, axes, role, **more)
        return
    if (plain := ref.stored("")) is not None:
        _emit(book, plain, axes, role, **more)
    elif (masked := ref.stored("_mask")) is not None:
        _emit(book, ref.stored("_orig"), axes, role, **more)
        _emit(book, masked, tuple(axis.bare() for axis in axes), role, **more)
    elif role != "grouped" and (recorder := _parametrised(ref)) is not None:
        recorder(book, axes)
    elif getattr(ref.owner, ref.name, None) is not None:
        raise Unsupported(
            f"'{ref.path}.{ref.name}' is computed by a parametrisation the engine does not know"
        )


def _emit(book: Book, ref: Ref | None, axes: tuple[Axis, ...], role: Role = "dense", **more: Any) -> None:
    if ref is None or (tensor := ref.tensor) is None:
        return
    name = f"{ref.path}.{ref.name}" if ref.path else ref.name
    book.use(id(tensor), Use(name, tuple(tensor.shape), axes, role, **more))


Recorder = Callable[[Book, tuple[Axis, ...]], None]


def _parametrised(ref: Ref) -> Recorder | None:
    """The recorder for a weight that is computed from others, old hook style and new parametrisations alike."""
    for hook in ref.owner._forward_pre_hooks.values():
        if isinstance(hook, WeightNorm) and hook.name == ref.name:
            return lambda book, axes: _weight_norm(book, ref, ("_g", "_v"), hook.dim, axes)
        if isinstance(hook, SpectralNorm) and hook.name == ref.name:
            return lambda book, axes: _spectral(book, ref, ("_orig", "_u", "_v"), hook.dim, axes)
    if not parametrize.is_parametrized(ref.owner, ref.name):
        return None
    steps: Any = ref.owner.parametrizations[ref.name]  # type: ignore[index]
    inner = Ref(ref.owner, ref.path, f"parametrizations.{ref.name}")
    if len(steps) == 1 and isinstance(step := steps[0], _WeightNorm):
        return lambda book, axes: _weight_norm(book, inner, (".original0", ".original1"), step.dim, axes)
    if len(steps) == 1 and isinstance(step := steps[0], _SpectralNorm):
        return lambda book, axes: _spectral(book, inner, (".original", ".0._u", ".0._v"), step.dim, axes)
    return None


def _weight_norm(
    book: Book, ref: Ref, names: tuple[str, str], dim: int | None, axes: tuple[Axis, ...]
) -> None:
    """w = g v / |v|: scales of the normed axis belong to g, signs to v; v's other axes keep their norm."""
    g, v = (ref.stored(name) for name in names)
    for axis in axes:
        if _is_along(axis, dim):
            _emit(book, g, (Axis(axis.perm, axis.up, axis.down),))
        else:
            _freeze_scale(book, axis, f"weight norm of '{ref.path}' fixes the norm of its columns")
    _emit(book, v, tuple(Axis(axis.perm, signs=axis.signs) for axis in axes))


def _spectral(book: Book, ref: Ref, names: tuple[str, ...], dim: int, axes: tuple[Axis, ...]) -> None:
    """w = W / (u' W v): u and v move and change sign with W; scales would change the spectral norm."""
    original, u, v = (ref.stored(name) for name in names)
    if original is None or original.tensor is None or original.tensor.ndim < 2:
        raise Unsupported(f"spectral norm of '{ref.path}' in a form the engine does not know")
    shape = original.tensor.shape
    for axis in axes:
        _freeze_scale(book, axis, f"spectral norm of '{ref.path}' depends on every scale")
        target, flat = (u, _row(dim)) if _is_along(axis, dim) else (v, _rest(dim, tuple(shape)))
        _emit(book, target, (Axis(axis.perm, signs=axis.signs).map(flat),))
    _emit(book, original, tuple(Axis(axis.perm, signs=axis.signs) for axis in axes))


def _is_along(axis: Axis, dim: int | None) -> bool:
    return dim is not None and axis.perm.size == axis.perm.shape[dim] > 1


def _row(dim: int) -> Callable[[Ints], Ints]:
    return lambda a: a.reshape(a.shape[dim])


def _rest(dim: int, shape: tuple[int, ...]) -> Callable[[Ints], Ints]:
    rest = shape[:dim] + shape[dim + 1 :]
    return lambda a: np.ascontiguousarray(np.broadcast_to(a.squeeze(dim), rest)).reshape(-1)


def _freeze_scale(book: Book, axis: Axis, reason: str) -> None:
    for symbols in (axis.up, axis.down):
        if symbols is not None:
            book.scale.freeze(symbols, reason)
