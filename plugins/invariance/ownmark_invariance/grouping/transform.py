"""One random element of the symmetry group of a network, as plain data (LayerShuffle, NeuronScale, SignFlip)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Generator, Tensor

from ownmark_invariance.grouping.errors import CannotTransform
from ownmark_invariance.grouping.groups import Groups
from ownmark_invariance.grouping.report import reasons
from ownmark_invariance.grouping.selection import Flags, Keys, allowed_classes, choose, picked
from ownmark_invariance.grouping.signs import given_signs
from ownmark_invariance.grouping.structure import mix
from ownmark_invariance.grouping.symbols import FROZEN, Ints

Variant = Literal["paper", "pre_norm", "post_norm", "free"]
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

    `alpha`: share of the channels of each group that change, at least two; one set S for all three (0: none).
    `layers`: only channels, scales and signs of layers whose name it accepts.
    `exponents`: factors are 2^k, k uniform on this closed range (paper, Appendix D). In half precision nothing in
    front of stored statistics is scaled, in float16 |k| <= 8 (sheet 1.3).
    `variant` (sheet 1.1): `paper` scales a layer and its norm alike (kappa = lambda); `pre_norm` only kappa, which no
    activation sees; `post_norm` only lambda; `free` draws both.
    `signs`: signs [channels] to give to named layers (a norm means what it reads), for overwriting (sheet 1.8); raises
    CannotTransform, naming layer and reason, where the network does not allow them.
    """
    if groups.hopeless:
        raise CannotTransform(
            f"nothing in {groups.name} can be transformed: {'; '.join(reasons(groups)) or 'no layers'}"
        )
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha is {alpha}; it is a share between 0 and 1")
    allowed = allowed_classes(groups, layers)
    uniform = np.stack([torch.rand(groups.perm.count, generator=rng).numpy() for _ in range(3)])
    channel = torch.rand(len(groups.perm.of), generator=rng).numpy()
    chosen = choose(groups, uniform[0], alpha) & allowed.perm
    picked_scale, picked_sign = picked(groups, chosen, channel, alpha)
    low, high = _range(groups, exponents)
    drawn = torch.randint(low, high + 1, (groups.scale.count,), generator=rng).numpy()
    flips = np.where(torch.randn(groups.sign.count, generator=rng).numpy() < 0, -1, 1)
    identity = np.arange(groups.perm.count)
    source = _permutation(groups, chosen, uniform[1], uniform[2]) if permute else identity
    exponent = _by_variant(groups, np.where(picked_scale & allowed.scale, drawn, 0), variant) * scale
    sign = np.where(picked_sign & allowed.sign & flip, flips, 1)
    return Transform(source, exponent, given_signs(groups, sign, signs or {}), chosen, alpha, variant)


def _range(groups: Groups, exponents: tuple[int, int]) -> tuple[int, int]:
    low, high = exponents
    if low > high:
        raise ValueError(f"exponents {exponents} is an empty range")
    if groups.dtype == torch.float16:
        low, high = (int(np.clip(k, -HALF_EXPONENT, HALF_EXPONENT)) for k in (low, high))
    return low, high


def _permutation(groups: Groups, chosen: Flags, keys: Keys, block_keys: Keys) -> Ints:
    """Shuffle the chosen classes inside their group; blocks that are chosen whole also change places."""
    bucket, block = groups.structure.bucket, groups.structure.block
    goes_to = _block_order(groups, chosen, block_keys)
    ids = np.flatnonzero(chosen)
    targets = ids[np.lexsort((ids, block[ids], bucket[ids]))]
    sources = ids[np.lexsort((keys[ids], goes_to[ids], bucket[ids]))]
    source = np.arange(bucket.size)
    source[targets] = sources
    return source


def _block_order(groups: Groups, chosen: Flags, keys: Keys) -> Ints:
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


def _by_variant(groups: Groups, drawn: Ints, variant: Variant) -> Ints:
    """Keep the exponents that the variant scales; for `paper` a layer takes the exponent of its norm's output."""
    absorbed, before, norms = _pre_norm(groups)
    half = groups.dtype in (torch.float16, torch.bfloat16)
    out: Ints = np.where(absorbed & half, 0, drawn)
    if variant in ("pre_norm", "post_norm"):
        out[before == (variant == "post_norm")] = 0
    if variant == "paper" and not half:
        for into, after in norms:
            tied = before[into]
            out[into[tied]] = drawn[after[tied]]
    return out


def _pre_norm(groups: Groups) -> tuple[Flags, Flags, list[tuple[Ints, Ints]]]:
    """Scale classes that stored statistics read; those that nothing else reads (kappa); and, where one norm alone
    reads a class, the pairs of its input's and its output's class."""
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
    return readers > 0, before, single
