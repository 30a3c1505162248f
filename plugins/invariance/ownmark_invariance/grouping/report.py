"""What was found, in words: one row for each layer, and why anything is frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ownmark_invariance.grouping.symbols import FROZEN, Classes, Ints

if TYPE_CHECKING:
    from ownmark_invariance.grouping.book import Layer
    from ownmark_invariance.grouping.groups import Groups


@dataclass(frozen=True)
class Row:
    """One layer: its groups, how many of its channels may move, be scaled or flipped, and what stands against it.

    `scale` counts channels with a free scale after the layer, `kappa` those whose scale a norm absorbs (pre-norm).
    """

    layer: str
    kind: str
    groups: tuple[int, ...]
    size: int
    permute: int
    scale: int
    kappa: int
    flip: int
    frozen: tuple[str, ...]


def rows(groups: Groups) -> list[Row]:
    """The report, layer by layer in the order of the forward pass."""
    return [_row(groups, layer) for layer in groups.layers]


def _row(groups: Groups, layer: Layer) -> Row:
    bucket = groups.structure.bucket
    mine = bucket[groups.perm.of[layer.out.perm]]
    movable = np.isin(mine, np.flatnonzero(_sizes(groups) > 1))
    flips = layer.out.sign if layer.into is None else layer.into.sign
    kappa = _free(groups.scale, layer.into.scale) if layer.into is not None else 0
    why = [
        f"{what}: {reason}"
        for what, classes, symbols in (
            ("order", groups.perm, layer.out.perm),
            ("scale", groups.scale, layer.out.scale),
            ("kappa", groups.scale, layer.into.scale if layer.into is not None else layer.out.scale[:0]),
            ("sign", groups.sign, flips),
        )
        if (reason := classes.reason(symbols))
    ]
    free = (int(movable.sum()), _free(groups.scale, layer.out.scale), kappa, _free(groups.sign, flips))
    ids = tuple(np.unique(mine[movable]).tolist())
    return Row(layer.name, layer.kind, ids, layer.out.perm.size, *free, tuple(why))


def _sizes(groups: Groups) -> Ints:
    bucket = groups.structure.bucket
    return np.bincount(bucket[bucket >= 0], minlength=int(bucket.max(initial=0)) + 1)


def _free(classes: Classes, symbols: Ints) -> int:
    return int((classes.of[symbols] != FROZEN).sum())


def reasons(groups: Groups) -> list[str]:
    """Every reason for which something is frozen, once."""
    opaque = [f"'{name}' handles its values as they are: {why}" for name, why in groups.opaque.items()]
    return opaque + list(dict.fromkeys(reason for row in rows(groups) for reason in row.frozen))


def describe(groups: Groups) -> str:
    """The report as a table of text."""
    lines = [f"{groups.name}: {len(groups.groups)} groups of exchangeable channels"]
    lines += [f"  '{name}' handles its values as they are: {why}" for name, why in groups.opaque.items()]
    lines.append(
        f"{'layer':32} {'kind':20} {'size':>6} {'order':>6} {'scale':>6} {'kappa':>6} {'sign':>6}  groups"
    )
    for row in rows(groups):
        counts = " ".join(f"{n:6d}" for n in (row.size, row.permute, row.scale, row.kappa, row.flip))
        ids = ", ".join(map(str, row.groups[:6])) + (" ..." if len(row.groups) > 6 else "")
        lines.append(f"{row.layer:32} {row.kind:20} {counts}  {ids}")
        lines += [f"{'':32} frozen {reason}" for reason in row.frozen]
    return "\n".join(lines)
