"""The labels of one tensor, and where a parameter's axis carries them.

A tensor T of shape [d0, d1, ...] is labelled by three integer arrays of one common shape, broadcastable to T's.
A dimension of size 1 in the labels is *inert*: every index along it stays where it is and shares the symbols.
A feature map [B, C, H, W] has labels [1, C, 1, 1]; after `flatten(1)` it has labels [1, C*H*W].
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from ownmark_invariance.grouping.symbols import FROZEN, Ints

KINDS = ("perm", "scale", "sign")


@dataclass(frozen=True)
class Labels:
    """Permutation, scale and sign symbols of a tensor; three arrays of one shape.

    `beside` holds further factors, over other dimensions: in a product of channels and tokens each has its own order,
    and scales and signs multiply. Only few rules know of them (`Call.factors`).
    """

    perm: Ints
    scale: Ints
    sign: Ints
    beside: tuple[Labels, ...] = ()

    def map(self, change: Callable[[Ints], Ints]) -> Labels:
        """The same change of layout on all three arrays."""
        return Labels(change(self.perm), change(self.scale), change(self.sign))

    @property
    def shape(self) -> tuple[int, ...]:
        """The common shape of the arrays."""
        return self.perm.shape

    def varies(self) -> set[int]:
        """The dimensions that are not inert."""
        return {dim for dim, size in enumerate(self.shape) if size > 1}

    def axis(self, dim: int, size: int) -> Labels:
        """One-dimensional labels [size] of dimension `dim`, the only one that may vary."""
        return self.map(lambda a: np.broadcast_to(a.reshape(a.shape[dim]), (size,)))


def inert(ndim: int) -> Labels:
    """Labels of a tensor that must not change at all."""
    zeros = np.zeros((1,) * ndim, dtype=np.int64)
    return Labels(zeros, zeros, zeros)


def along(values: Ints, dim: int, ndim: int) -> Ints:
    """A vector as an array that is broadcast over all dimensions but `dim`."""
    return values.reshape([-1 if d == dim else 1 for d in range(ndim)])


def spread(labels: Labels, shape: tuple[int, ...], dims: Collection[int]) -> Labels:
    """Labels in which the given dimensions have the tensor's full size."""
    full = tuple(shape[d] if d in dims else size for d, size in enumerate(labels.shape))
    return labels.map(lambda a: np.broadcast_to(a, full))


def literal(symbols: Ints) -> bool:
    """Whether these scales (signs) are already known to be one."""
    return bool(np.all(symbols == FROZEN))


@dataclass(frozen=True)
class Axis:
    """What one or more dimensions of a parameter carry; arrays broadcastable to the parameter's shape.

    new = gather(old * 2^up / 2^down * product of signs) along the dimensions in which `perm` varies.
    """

    perm: Ints
    up: Ints | None = None
    down: Ints | None = None
    signs: tuple[Ints, ...] = ()

    def map(self, change: Callable[[Ints], Ints]) -> Axis:
        """The same change of layout on every array."""
        up, down = (None if a is None else change(a) for a in (self.up, self.down))
        return Axis(change(self.perm), up, down, tuple(change(s) for s in self.signs))

    def bare(self) -> Axis:
        """Only the permutation (pruning masks, variances)."""
        return Axis(self.perm)


def produced(out: Labels, place: Callable[[Ints], Ints]) -> Axis:
    """The axis of a parameter that writes channels: rows of a weight, a bias."""
    return Axis(place(out.perm), up=place(out.scale), signs=(place(out.sign),))


def consumed(into: Labels, place: Callable[[Ints], Ints]) -> Axis:
    """The axis of a parameter that reads channels: columns of a weight."""
    return Axis(place(into.perm), down=place(into.scale), signs=(place(into.sign),))
