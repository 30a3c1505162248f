"""The book in which rules write down what they find: symbols, ties, freezes, parameters, blocks, layers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ownmark_invariance.grouping.labels import KINDS, Axis, Labels, spread
from ownmark_invariance.grouping.symbols import FROZEN, Ints, Symbols

Role = Literal["dense", "variance", "grouped"]


@dataclass(frozen=True)
class Use:
    """A parameter or buffer and the symbols its axes carry.

    `grouped` is the weight of a grouped convolution with `blocks` blocks: its first axis [shape[0]] and its second
    in channel space [blocks * shape[1]]. `variance` follows the exact form with `eps` (sheet 1.1).
    """

    name: str
    shape: tuple[int, ...]
    axes: tuple[Axis, ...]
    role: Role = "dense"
    blocks: int = 1
    eps: float = 0.0

    @property
    def module(self) -> str:
        """The module that holds it."""
        return self.name.rpartition(".")[0]

    @property
    def parameter(self) -> str:
        """Its name inside the module."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True)
class Move:
    """A layout operation: place i of `out` shows place `source[i]` of `into` (-1: padding), of spatial tag `tag[i]`."""

    into: Ints
    out: Ints
    source: Ints
    tag: Ints


@dataclass(frozen=True)
class Blocks:
    """Channels that may only move as whole blocks, or inside one: group norm, grouped convolution, heads.

    `parts` holds pairs of permutation symbols and the block index of each.
    """

    where: str
    parts: tuple[tuple[Ints, Ints], ...]


@dataclass(frozen=True)
class Layer:
    """One line of the report: a layer, what it reads before a norm, and what it writes (one-dimensional labels)."""

    name: str
    kind: str
    out: Labels
    into: Labels | None = None
    absorbs: bool = False
    """Whether stored statistics absorb any positive scale of `into` exactly."""


@dataclass
class Book:
    """All constraints of one network. `where` says what is being looked at, for the reasons."""

    perm: Symbols = field(default_factory=Symbols)
    scale: Symbols = field(default_factory=Symbols)
    sign: Symbols = field(default_factory=Symbols)
    uses: dict[int, Use] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)
    blocks: list[Blocks] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    ties: list[tuple[Ints, str]] = field(default_factory=list)
    """Sign symbols that share one sign, and why."""
    where: str = ""
    ways: int = 1
    """Ways through the network that were walked."""

    def fresh(self, shape: tuple[int, ...], kinds: Collection[str] = KINDS) -> Labels:
        """New symbols of the kinds named, frozen ones of the others."""
        zeros = np.zeros(shape, dtype=np.int64)
        made = (getattr(self, kind).fresh(shape) if kind in kinds else zeros for kind in KINDS)
        return Labels(*made)

    def tie(self, a: Labels, b: Labels, kinds: Collection[str] = KINDS, reason: str = "") -> None:
        """Channels at equal places must be treated alike."""
        for kind in kinds:
            why = reason or f"shared with a frozen tensor at {self.where}"
            getattr(self, kind).tie(getattr(a, kind), getattr(b, kind), why)

    def freeze(self, labels: Labels, reason: str = "", kinds: Collection[str] = KINDS) -> None:
        """Nothing of these kinds may be done to these channels."""
        for kind in kinds:
            getattr(self, kind).freeze(
                getattr(labels, kind), f"{reason} ({self.where})" if reason else self.where
            )

    def collapse(self, labels: Labels, keep: Iterable[int]) -> Labels:
        """Make every dimension inert but those in `keep`, by tying the symbols along it."""
        for dim in sorted(labels.varies() - set(keep)):
            first = labels.map(lambda a, d=dim: np.take(a, [0], axis=d))  # type: ignore[misc]
            self.tie(labels, first)
            labels = first
        return labels

    def channels(self, labels: Labels, dim: int, size: int) -> Labels:
        """One-dimensional labels [size] of the channel dimension, all others made inert."""
        return self.collapse(labels, {dim}).axis(dim, size)

    def use(self, tensor_id: int, use: Use) -> None:
        """Record a parameter; a second use of the same tensor ties the symbols of both (weight sharing)."""
        first = self.uses.setdefault(tensor_id, use)
        if first is not use:
            self._share(first, use)

    def _share(self, first: Use, again: Use) -> None:
        pairs = list(zip(first.axes, again.axes, strict=False))
        if len(first.axes) != len(again.axes) or (first.role, first.blocks) != (again.role, again.blocks):
            pairs = []
        if not pairs or any(a.perm.shape != b.perm.shape or len(a.signs) != len(b.signs) for a, b in pairs):
            self._pin(first, again)
            return
        for a, b in pairs:
            self.perm.tie(a.perm, b.perm, self.where)
            for mine, other in zip(a.signs, b.signs, strict=True):
                self.sign.tie(mine, other, self.where)
            self._share_scale(a, b, first.name)

    def _share_scale(self, a: Axis, b: Axis, name: str) -> None:
        for mine, other in ((a.up, b.up), (a.down, b.down)):
            if mine is not None and other is not None:
                self.scale.tie(mine, other, self.where)
            elif (single := mine if mine is not None else other) is not None:
                self.scale.freeze(single, f"'{name}' is used in two roles ({self.where})")

    def _pin(self, *uses: Use) -> None:
        for use in uses:
            for axis in use.axes:
                reason = f"'{use.name}' is used in two different ways ({self.where})"
                self.perm.freeze(axis.perm, reason)
                for symbols in (axis.up, axis.down):
                    self.scale.freeze(symbols, reason) if symbols is not None else None
                for symbols in axis.signs:
                    self.sign.freeze(symbols, reason)

    def move(self, into: Labels, out: Ints, source: Ints, tag: Ints) -> None:
        """Record a layout operation unless it keeps the order of the channels."""
        if (
            into.perm.size == out.size
            and np.array_equal(source.ravel(), np.arange(out.size))
            and not tag.any()
        ):
            return
        self.moves.append(Move(into.perm.ravel(), out.ravel(), source.ravel(), tag.ravel()))

    def block(self, parts: Iterable[tuple[Ints, Ints]]) -> None:
        """Record channels that move only in blocks; pairs of symbols and block indices of one shape."""
        pairs = tuple((p.ravel(), np.broadcast_to(b, p.shape).ravel()) for p, b in parts)
        self.blocks.append(Blocks(self.where, pairs))


def full_on(labels: Labels, shape: tuple[int, ...], dims: Iterable[int]) -> Labels:
    """Labels with full size on `dims`, also where they were inert."""
    return spread(labels, shape, set(dims))


__all__ = ["FROZEN", "Blocks", "Book", "Layer", "Move", "Use", "full_on"]
