"""One random element of the symmetry group of a network, as plain data (LayerShuffle, NeuronScale, SignFlip)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from ownmark_invariance.grouping.book import Layer
from ownmark_invariance.grouping.errors import CannotTransform
from ownmark_invariance.grouping.groups import Groups
from ownmark_invariance.grouping.report import reasons
from ownmark_invariance.grouping.structure import mix
from ownmark_invariance.grouping.symbols import FROZEN, Ints

Variant = Literal["paper", "pre_norm", "post_norm", "free"]
Flags = NDArray[np.bool_]
HALF_EXPONENT = 8
"""Largest exponent in half precision (sheet 1.3: 2^16 times an activation leaves float16)."""


@dataclass(frozen=True, eq=False)
class Transform:
    """new = (sign * 2^exponent * old)[permutation], by class.

    `source` [channel classes]: the class whose place each class takes. `exponent` [scale classes], `sign` [sign
    classes, +-1]. Class 0 is frozen. `chosen` [channel classes] is the set S of the ratio alpha (sheet 1.5).
    """

    source: Ints
    exponent: Ints
    sign: Ints
    chosen: Flags
    alpha: float
    variant: Variant

    @property
    def is_identity(self) -> bool:
        """Whether nothing changes."""
        moved = np.any(self.source != np.arange(self.source.size))
        return not (moved or self.exponent.any() or np.any(self.sign < 0))


def draw(
    groups: Groups,
    rng: Generator,
    *,
    permute: bool,
    scale: bool,
    flip: bool,
    alpha: float = 1.0,
    layers: Callable[[str], bool] | None = None,
    exponents: tuple[int, int] = (0, 16),
    variant: Variant = "paper",
    signs: Mapping[str, Tensor] | None = None,
) -> Transform:
    """Draw a transform; the same generator state gives the same S, order, factors and signs whatever is switched on.

    `alpha`: share of the channels of each group that change, at least two, one set S for all three transforms (0: none).
    `layers`: only channels, scales and signs of layers whose name it accepts.
    `exponents`: factors are 2^k, k uniform on this closed range ([SEED] Appendix D); at most 8 in half precision.
    `variant` (sheet 1.1): `paper` scales a layer and its norm alike (kappa = lambda); `pre_norm` only kappa, which no
    activation sees; `post_norm` only lambda; `free` draws both.
    `signs`: signs [channels] to give to named layers (a norm means what it reads), for overwriting (sheet 1.8); raises
    CannotTransform, naming layer and reason, where the network does not allow them.
    """
    if groups.hopeless:
        raise CannotTransform(f"nothing in {groups.name} can be transformed: {'; '.join(reasons(groups)) or 'no layers'}")
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha is {alpha}; it is a share between 0 and 1")
    allowed = _allowed(groups, layers)
    uniform = np.stack([torch.rand(groups.perm.count, generator=rng).numpy() for _ in range(3)])
    channel = torch.rand(len(groups.perm.of), generator=rng).numpy()
    chosen = _choose(groups, uniform[0], alpha) & allowed.perm
    picked_scale, picked_sign = _picked(groups, chosen, channel, alpha)
    low, high = _range(groups, exponents)
    drawn = torch.randint(low, high + 1, (groups.scale.count,), generator=rng).numpy()
    flips = np.where(torch.randn(groups.sign.count, generator=rng).numpy() < 0, -1, 1)
    identity = np.arange(groups.perm.count)
    source = _permutation(groups, chosen, uniform[1], uniform[2]) if permute else identity
    exponent = _by_variant(groups, np.where(picked_scale & allowed.scale, drawn, 0), variant) * scale
    sign = np.where(picked_sign & allowed.sign & flip, flips, 1)
    return Transform(source, exponent, _given(groups, sign, signs or {}), chosen, alpha, variant)


def _range(groups: Groups, exponents: tuple[int, int]) -> tuple[int, int]:
    low, high = exponents
    if low > high:
        raise ValueError(f"exponents {exponents} is an empty range")
    if groups.dtype == torch.float16:
        low, high = (int(np.clip(k, -HALF_EXPONENT, HALF_EXPONENT)) for k in (low, high))
    return low, high


def _choose(groups: Groups, keys: NDArray[np.float32], alpha: float) -> Flags:
    """S: of each group of N channels the max(2, round(alpha N)) with the smallest keys; none for alpha = 0."""
    bucket = groups.structure.bucket
    order = np.lexsort((keys, bucket))
    size = np.bincount(bucket + 1)
    rank = np.empty_like(bucket)
    rank[order] = np.arange(bucket.size) - (np.cumsum(size) - size)[bucket[order] + 1]
    quota = np.maximum(2, np.floor(alpha * size + 0.5)) if alpha > 0 else np.zeros_like(size)
    return (rank < quota[bucket + 1]) & (bucket >= 0)


def _permutation(groups: Groups, chosen: Flags, keys: NDArray[np.float32], block_keys: NDArray[np.float32]) -> Ints:
    """Shuffle the chosen classes inside their group; blocks that are chosen whole also change places."""
    bucket, block = groups.structure.bucket, groups.structure.block
    goes_to = _block_order(groups, chosen, block_keys)
    ids = np.flatnonzero(chosen)
    targets = ids[np.lexsort((ids, block[ids], bucket[ids]))]
    sources = ids[np.lexsort((keys[ids], goes_to[ids], bucket[ids]))]
    source = np.arange(bucket.size)
    source[targets] = sources
    return source


def _block_order(groups: Groups, chosen: Flags, keys: NDArray[np.float32]) -> Ints:
    """[classes] the block that the block of each class moves to; blocks alike in their classes are exchangeable."""
    block, signature = groups.structure.block, groups.structure.signature
    goes_to = block.copy()
    names, inverse = np.unique(block, return_inverse=True)
    shape = np.zeros(names.size, dtype=np.uint64)
    np.add.at(shape, inverse, mix(signature.astype(np.int64)))
    whole = np.ones(names.size, dtype=bool)
    np.logical_and.at(whole, inverse, chosen)
    movable = np.flatnonzero(whole & (names >= 0))
    place = movable[np.lexsort((movable, shape[movable]))]
    moved = movable[np.lexsort((keys[movable], shape[movable]))]
    target = np.arange(names.size)
    target[moved] = place
    return names[target[inverse]] if block.size else goes_to


@dataclass(frozen=True)
class _Allowed:
    perm: Flags
    scale: Flags
    sign: Flags


def _allowed(groups: Groups, layers: Callable[[str], bool] | None) -> _Allowed:
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
    return _Allowed(**flags)


def _behind(groups: Groups, norm: Layer, layers: Callable[[str], bool]) -> list[Layer]:
    if norm.into is None:
        return []
    before = [row for row in groups.layers if row.into is None and np.array_equal(row.out.perm, norm.into.perm)]
    return [norm] if any(layers(row.name) for row in before) else []


def _picked(groups: Groups, chosen: Flags, keys: NDArray[np.float32], alpha: float) -> tuple[Flags, Flags]:
    """Scale and sign classes whose first channel is in S; a channel that cannot move is in S with probability alpha."""
    bucket = groups.structure.bucket
    size = np.bincount(bucket[bucket >= 0], minlength=int(bucket.max(initial=0)) + 1)
    alone = (bucket < 0) | (size[bucket] < 2)
    in_set = np.where(alone[groups.perm.of], keys < alpha, chosen[groups.perm.of])
    picked = {"scale": np.zeros(groups.scale.count, dtype=bool), "sign": np.zeros(groups.sign.count, dtype=bool)}
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


def _by_variant(groups: Groups, drawn: Ints, variant: Variant) -> Ints:
    """Keep the exponents that the variant scales; for `paper` a layer takes the exponent of its norm's output."""
    before, norms = _pre_norm(groups)
    if groups.dtype in (torch.float16, torch.bfloat16):
        drawn = np.where(before, 0, drawn)
        before = np.zeros_like(before)
    if variant == "pre_norm":
        return np.where(before, drawn, 0)
    if variant == "post_norm":
        return np.where(before, 0, drawn)
    out = drawn.copy()
    if variant == "paper":
        for into, after in norms:
            tied = before[into]
            out[into[tied]] = drawn[after[tied]]
    return out


def _pre_norm(groups: Groups) -> tuple[Flags, list[tuple[Ints, Ints]]]:
    """Scale classes that only stored statistics read (kappa), and the class pairs of norms that alone read them."""
    of = groups.scale.of
    readers = np.zeros(groups.scale.count, dtype=np.int64)
    norms = [(of[n.into.scale], of[n.out.scale]) for n in groups.layers if n.absorbs and n.into is not None]
    for into, _ in norms:
        readers[np.unique(into)] += 1
    read = np.zeros(groups.scale.count, dtype=bool)
    for use in groups.uses:
        for axis in use.axes:
            if axis.down is not None:
                read[of[axis.down.ravel()]] = True
    before = (readers > 0) & ~read
    before[FROZEN] = False
    single = [(into[readers[into] == 1], after[readers[into] == 1]) for into, after in norms]
    return before, single


def _given(groups: Groups, sign: Ints, given: Mapping[str, Tensor]) -> Ints:
    """Overwrite drawn signs by given ones, or say which layer does not allow them and why."""
    sign, fixed = sign.copy(), np.zeros(groups.sign.count, dtype=np.int64)
    for name, values in given.items():
        symbols = _sign_symbols(groups, name)
        wanted = np.sign(np.asarray(values.detach().cpu().double())).astype(np.int64).ravel()
        if wanted.shape != symbols.shape or not wanted.all():
            raise CannotTransform(f"layer '{name}' takes {symbols.size} signs of +1 or -1, got {tuple(values.shape)}")
        cls = groups.sign.of[symbols]
        frozen = (cls == FROZEN) & (wanted < 0)
        if frozen.any():
            why = groups.sign.reason(symbols[frozen])
            raise CannotTransform(f"layer '{name}': the sign of neuron {int(np.argmax(frozen))} is fixed: {why}")
        fixed[cls[fixed[cls] == 0]] = wanted[fixed[cls] == 0]
        if (wrong := np.flatnonzero((fixed[cls] != wanted) & (cls != FROZEN))).size:
            raise CannotTransform(_conflict(groups, name, symbols, int(wrong[0])))
    live = fixed != 0
    live[FROZEN] = False
    sign[live] = fixed[live]
    return sign


def _sign_symbols(groups: Groups, name: str) -> Ints:
    for layer in groups.layers:
        if layer.name == name:
            return layer.out.sign if layer.into is None else layer.into.sign
    known = ", ".join(layer.name for layer in groups.layers)
    raise CannotTransform(f"there is no layer '{name}' with signs; there are {known}")


def _conflict(groups: Groups, name: str, symbols: Ints, wrong: int) -> str:
    cls = groups.sign.of[symbols[wrong]]
    why = [reason for tied, reason in groups.sign_ties if (groups.sign.of[tied] == cls).any()]
    reason = why[0] if why else "other layers share these signs"
    return f"layer '{name}': neuron {wrong} cannot have a sign of its own: {reason}"
