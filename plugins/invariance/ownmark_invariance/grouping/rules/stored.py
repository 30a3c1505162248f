"""Weights read as tensors: parameters, buffers, and what layout operations and factors make of them.

`F.linear(x, self.weight.t())`, `F.conv2d(x, self.weight * self.gain)` and `self.scale * x` read a weight outside of the
module that a rule knows. What a rule then says about the tensor it was given is pulled back to the stored weight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from ownmark_invariance.grouping.book import Book, Role, Use
from ownmark_invariance.grouping.errors import Unsupported
from ownmark_invariance.grouping.labels import Axis, Labels, inert, produced
from ownmark_invariance.grouping.parameters import Ref, record
from ownmark_invariance.grouping.symbols import FROZEN, Ints

MAX_ELEMENTS = 1 << 21
"""Weights used as plain tensors are labelled element by element, up to this many elements."""


class Stored:
    """A parameter read as a tensor: labelled element by element when a rule asks for it."""

    def __init__(self, ref: Ref) -> None:
        self.ref = ref
        self._labels: Labels | None = None

    @property
    def tensor(self) -> Tensor:
        """Its value."""
        found = self.ref.tensor
        assert found is not None
        return found

    def labels(self, book: Book) -> Labels:
        """Fresh symbols for every element; the weight is recorded with them."""
        if self._labels is None:
            shape = tuple(self.tensor.shape)
            self._labels = book.fresh(shape) if self.tensor.numel() <= MAX_ELEMENTS else inert(len(shape))
            self.emit(book, [produced(self._labels, lambda a: a)])
        return self._labels

    def emit(self, book: Book, axes: Sequence[Axis], role: Role = "dense", **more: Any) -> None:
        """Record what the axes of this tensor carry."""
        record(book, self.ref, axes, role, **more)


class Kept(Stored):
    """A buffer. Only norms may change theirs; whoever reads one as a tensor finds it as it is, for good."""

    def labels(self, book: Book) -> Labels:
        """Frozen, but for zeros, which stay what they are in any order; the buffer is pinned."""
        if self._labels is None:
            tensor = self.tensor
            zeros = tensor.is_floating_point() and tensor.numel() <= MAX_ELEMENTS and not bool(tensor.any())
            self._labels = book.fresh(tuple(tensor.shape)) if zeros else inert(tensor.ndim)
            name = f"{self.ref.path}.{self.ref.name}".lstrip(".")
            book.use(id(self.tensor), Use(name, tuple(self.tensor.shape), ()))
        return self._labels

    def emit(self, book: Book, axes: Sequence[Axis], role: Role = "dense", **more: Any) -> None:
        """Record it, if it is saved with the network."""
        if self.ref.name in self.ref.owner._non_persistent_buffers_set:
            raise Unsupported(f"'{self.ref.path}.{self.ref.name}' is not saved with the network")
        super().emit(book, axes, role, **more)


class Derived(Stored):
    """A tensor made of a weight; `back` turns what its axes carry into what the axes of the weight carry."""

    def __init__(
        self,
        source: Stored,
        value: Tensor,
        back: Callable[[Book, list[Axis]], list[Axis]],
        grouped: bool = False,
    ) -> None:
        super().__init__(source.ref)
        self._source, self._value, self._back, self._grouped = source, value, back, grouped

    @property
    def tensor(self) -> Tensor:
        """Its value."""
        return self._value

    def emit(self, book: Book, axes: Sequence[Axis], role: Role = "dense", **more: Any) -> None:
        """Record what the axes of the weight carry."""
        if role == "grouped" and not self._grouped:
            raise Unsupported("the weight of a grouped convolution in another form")
        self._source.emit(book, self._back(book, list(axes)), role, **more)


def moved(source: Stored, value: Tensor, index: Ints) -> Derived:
    """The result of a layout operation; `index` is the place in the flattened source of each of its elements."""
    shape = tuple(source.tensor.shape)
    if np.unique(index).size != index.size:
        raise Unsupported("a weight whose elements are repeated")

    def back(book: Book, axes: list[Axis]) -> list[Axis]:
        pulled = [narrowed(axis.map(lambda a: _pulled(a, index, shape))) for axis in axes]
        return sorted(pulled, key=lambda axis: [d for d, size in enumerate(axis.perm.shape) if size > 1])

    return Derived(source, value, back)


def _pulled(array: Ints, index: Ints, shape: tuple[int, ...]) -> Ints:
    """An array over the result as an array over the source; what the result does not show is frozen."""
    full = np.full(int(np.prod(shape)), FROZEN, dtype=np.int64)
    full[index.ravel()] = np.broadcast_to(array, index.shape).ravel()
    return full.reshape(shape)


def narrowed(axis: Axis) -> Axis:
    """The same axis with one element along every dimension in which none of its arrays changes."""
    for dim in range(axis.perm.ndim):
        arrays = [a for a in (axis.perm, axis.up, axis.down, *axis.signs) if a is not None]
        if axis.perm.shape[dim] > 1 and all((a == a.take([0], axis=dim)).all() for a in arrays):
            axis = axis.map(lambda a, dim=dim: a.take([0], axis=dim))  # type: ignore[misc]
    return axis


def multiple(source: Stored, value: Tensor) -> Derived:
    """The weight times one number."""
    return Derived(source, value, lambda book, axes: axes, grouped=True)


def standardised(source: Stored, value: Tensor, dim: int, gain: Stored | None) -> Derived:
    """The weight with every row (along `dim`) at mean zero and variance one, and the gain behind it.

    A sign is an ordinary one for a row; scales and signs of columns would change its statistics, and a scale of a row
    would meet the eps, so that it must go into the gain.
    """

    def back(book: Book, axes: list[Axis]) -> list[Axis]:
        return [_row(book, axis) if _only_along(axis, dim) else _column(book, axis) for axis in axes]

    def _row(book: Book, axis: Axis) -> Axis:
        if gain is None:
            _still(book, (axis.up, axis.down))
            return Axis(axis.perm, signs=axis.signs)
        flat = axis.map(lambda a: a.reshape(a.shape[dim]))
        gain.emit(book, [flat])
        return axis.bare()

    def _column(book: Book, axis: Axis) -> Axis:
        _still(book, (axis.up, axis.down))
        for sign in axis.signs:
            book.sign.freeze(sign, f"a standardised weight ({book.where})")
        return axis.bare()

    return Derived(source, value, back)


def _only_along(axis: Axis, dim: int) -> bool:
    return axis.perm.size == axis.perm.shape[dim] > 1


def _still(book: Book, scales: tuple[Ints | None, ...]) -> None:
    for symbols in scales:
        if symbols is not None:
            book.scale.freeze(symbols, f"a standardised weight ({book.where})")
