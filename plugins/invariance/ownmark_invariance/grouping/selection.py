"""Which channels a transform may touch: the ratio alpha and the filter on layers (sheet 1.5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ownmark_invariance.grouping.book import Layer
from ownmark_invariance.grouping.groups import Groups
from ownmark_invariance.grouping.symbols import FROZEN, Ints

Flags = NDArray[np.bool_]
Keys = NDArray[np.float32]


def choose(groups: Groups, keys: Keys, alpha: float) -> Flags:
    """S: of each group of N channels the max(2, round(alpha N)) with the smallest keys; none for alpha = 0."""
    bucket = groups.structure.bucket
    order = np.lexsort((keys, bucket))
    size = np.bincount(bucket + 1)
    rank = np.empty_like(bucket)
    rank[order] = np.arange(bucket.size) - (np.cumsum(size) - size)[bucket[order] + 1]
    quota = np.maximum(2, np.floor(alpha * size + 0.5)) if alpha > 0 else np.zeros_like(size)
    return (rank < quota[bucket + 1]) & (bucket >= 0)


@dataclass(frozen=True)
class Allowed:
    """By class, whether the filter on layers lets it change."""

    perm: Flags
    scale: Flags
    sign: Flags


def allowed_classes(groups: Groups, layers: Callable[[str], bool] | None) -> Allowed:
    """Classes that belong to an accepted layer; a norm's output also belongs to the layer before the norm."""
    flags = {kind: np.full(getattr(groups, kind).count, layers is None) for kind in ("perm", "scale", "sign")}
    if layers is not None:
        for layer in groups.layers:
            own = [layer] if layers(layer.name) else _behind(groups, layer, layers)
            for part in (labels for row in own for labels in (row.out, row.into) if labels is not None):
                for kind, flag in flags.items():
                    flag[getattr(groups, kind).of[getattr(part, kind)]] = True
    for flag in flags.values():
        flag[FROZEN] = False
    return Allowed(**flags)


def _behind(groups: Groups, norm: Layer, layers: Callable[[str], bool]) -> list[Layer]:
    if norm.into is None:
        return []
    before = [
        row for row in groups.layers if row.into is None and np.array_equal(row.out.perm, norm.into.perm)
    ]
    return [norm] if any(layers(row.name) for row in before) else []


def picked(groups: Groups, chosen: Flags, keys: Keys, alpha: float) -> tuple[Flags, Flags]:
    """Scale and sign classes whose first channel is in S; a channel that cannot move is in S with probability alpha."""
    bucket = groups.structure.bucket
    size = np.bincount(bucket[bucket >= 0], minlength=int(bucket.max(initial=0)) + 1)
    alone = (bucket < 0) | (size[bucket] < 2)
    in_set = np.where(alone[groups.perm.of], keys < alpha, chosen[groups.perm.of])
    picked = {
        "scale": np.zeros(groups.scale.count, dtype=bool),
        "sign": np.zeros(groups.sign.count, dtype=bool),
    }
    for kind, flags in picked.items():
        pairs = _channels_of(groups, kind)
        classes, first = np.unique(pairs[0], return_index=True)
        flags[classes] = in_set[pairs[1][first]]
        flags[FROZEN] = False
    return picked["scale"], picked["sign"]


def _channels_of(groups: Groups, kind: str) -> tuple[Ints, Ints]:
    """Pairs (scale or sign class, channel symbol) over all parameter axes, in order."""
    classes, symbols = [np.zeros(1, dtype=np.int64)], [np.zeros(1, dtype=np.int64)]
    for use in groups.uses:
        for axis in use.axes:
            arrays = axis.signs if kind == "sign" else [a for a in (axis.up, axis.down) if a is not None]
            for array in arrays:
                classes.append(getattr(groups, kind).of[array.ravel()])
                symbols.append(np.broadcast_to(axis.perm, array.shape).ravel())
    return np.concatenate(classes), np.concatenate(symbols)
