"""What is known of every tensor of one run of a network."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from ownmark_invariance.grouping.book import Book
from ownmark_invariance.grouping.errors import Unsupported
from ownmark_invariance.grouping.labels import Labels, inert
from ownmark_invariance.grouping.parameters import Ref
from ownmark_invariance.grouping.rules.stored import Kept, Stored

MAX_ZEROS = 1 << 16


@dataclass
class Known:
    """Labels of a tensor, and what it depends on: `live` on the network's input, `constant` on no weight either."""

    tensor: Tensor
    labels: Labels | Stored
    live: bool = False
    constant: bool = False


class Values:
    """Tensors by identity; all are held, so that no identity is used twice."""

    def __init__(self, model: nn.Module, book: Book, before: Iterable[Tensor] = ()) -> None:
        self._book = book
        self._known: dict[int, Known] = {}
        for path, module in model.named_modules():
            self._enter_stored(module, path)
            for name, value in module.__dict__.items():
                if not name.startswith("_"):
                    self._enter_attributes(value)
        for tensor in before:
            self._enter_attributes(tensor)

    def _enter_stored(self, module: nn.Module, path: str) -> None:
        for name, tensor in module._parameters.items():
            if tensor is not None:
                self._known.setdefault(id(tensor), Known(tensor, Stored(Ref(module, path, name))))
        for name, buffer in module._buffers.items():
            if buffer is not None:
                known = Known(buffer, Kept(Ref(module, path, name)), constant=True)
                self._known.setdefault(id(buffer), known)

    def _enter_attributes(self, value: Any) -> None:
        for tensor in tensors(value):
            if tensor.is_leaf:
                self._known.setdefault(id(tensor), self.made(tensor))

    def made(self, tensor: Tensor) -> Known:
        """A constant; zeros may be taken to be permuted, scaled and flipped in any way."""
        if tensor.is_floating_point() and tensor.numel() <= MAX_ZEROS and not bool(tensor.any()):
            return Known(tensor, self._book.fresh(tuple(tensor.shape)))
        return Known(tensor, inert(tensor.ndim), constant=True)

    def enter(self, known: Known) -> None:
        """Remember a tensor, or what has become of it."""
        self._known[id(known.tensor)] = known

    def overwritten(self, tensor: Tensor, live: bool) -> None:
        """A tensor was changed in place: whatever shares its memory is no constant any more."""
        place = tensor.untyped_storage().data_ptr()
        for known in self._known.values():
            if known.tensor.untyped_storage().data_ptr() == place:
                known.constant, known.live = False, known.live or live

    def of(self, tensor: Tensor) -> Known:
        """What is known of a tensor.

        Raises:
            Unsupported: nobody saw it being made.
        """
        if (found := self._known.get(id(tensor))) is None:
            raise Unsupported("a tensor that was made unseen")
        return found

    def constant(self, value: Any) -> bool:
        """Whether neither the input nor a weight has a part in a value."""
        return all(self.of(tensor).constant for tensor in tensors(value))

    def live(self, value: Any) -> bool:
        """Whether a value depends on the network's input."""
        return any(self.of(tensor).live for tensor in tensors(value))

    def labels(self, value: Any) -> Any:
        """Labels mirrored as the value is nested; None for what is no tensor."""
        if isinstance(value, Tensor):
            return self.of(value).labels
        if isinstance(value, (tuple, list)):
            return tuple(self.labels(part) for part in value)
        if isinstance(value, dict):
            return {key: self.labels(part) for key, part in value.items()}
        return None


def existing() -> list[Tensor]:
    """Every tensor that there is: constants of a module or a closure, which a network reads without owning them."""
    return [found for found in gc.get_objects() if type(found) is Tensor]


def tensors(value: Any) -> Iterator[Tensor]:
    """Every tensor of a nested value."""
    return leaves(value, Tensor)


MAX_DEPTH = 16
"""Nesting that is looked into; an object that holds itself has no end."""


def leaves(value: Any, kind: Any, depth: int = 0) -> Iterator[Any]:
    """Everything of a kind inside nested tuples, lists, dicts, slices and data classes."""
    if isinstance(value, kind):
        yield value
    elif depth > MAX_DEPTH:
        return
    elif isinstance(value, dict):
        for part in value.values():
            yield from leaves(part, kind, depth + 1)
    elif isinstance(value, slice):
        yield from leaves((value.start, value.stop, value.step), kind, depth + 1)
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from leaves(part, kind, depth + 1)
    elif hasattr(type(value), "__dataclass_fields__") and not isinstance(value, nn.Module):
        yield from leaves(list(getattr(value, "__dict__", {}).values()), kind, depth + 1)


def frozen(value: Any) -> Any:
    """Labels for a value that must not change, nested as the value is."""
    if isinstance(value, Tensor):
        return inert(value.ndim)
    if isinstance(value, (tuple, list)):
        return tuple(frozen(part) for part in value)
    if isinstance(value, dict):
        return {key: frozen(part) for key, part in value.items()}
    return None


def checked(labels: Any, value: Any) -> Any:
    """Labels as a rule returned them, if they fit the value (a wrong rule must not go unnoticed)."""
    if isinstance(value, Tensor):
        fits = isinstance(labels, Stored) or (isinstance(labels, Labels) and _fits(labels, value))
        if not fits:
            raise Unsupported("its rule returned labels of another shape")
    elif isinstance(value, (tuple, list)):
        if len(labels) != len(value):
            raise Unsupported("its rule returned labels of another structure")
        return tuple(checked(part, v) for part, v in zip(labels, value, strict=True))
    return labels


def _fits(labels: Labels, value: Tensor) -> bool:
    shapes = (labels.shape, *(factor.shape for factor in labels.beside))
    return all(
        len(shape) == value.ndim and all(np.isin(s, (1, v)) for s, v in zip(shape, value.shape, strict=True))
        for shape in shapes
    )
