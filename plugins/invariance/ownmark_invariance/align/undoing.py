"""The inverse transform, estimated from the activations of the owner's copy and the suspect, and applied.

Symbols: `source` [channel classes] the suspect's neuron for each of the owner's; 2^`exponent` [scale classes] and
`sign` [sign classes] are what a neuron of the suspect is multiplied with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ownmark_invariance.align.matching import Floats, assign, scores
from ownmark_invariance.align.probing import CONSTANT, activations, correlations
from ownmark_invariance.grouping import Groups, Transform, apply
from ownmark_invariance.grouping.book import Use
from ownmark_invariance.grouping.clone import clone
from ownmark_invariance.grouping.labels import Axis
from ownmark_invariance.grouping.structure import index_of, places
from ownmark_invariance.grouping.symbols import FROZEN, Ints

TIE = 1e-6
"""Weight of the signs of means where correlations, of constant neurons, say nothing of a sign."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """What was done to the suspect, inverted.

    `rest` [scale classes] is what the whole exponents of `transform` leave over, at most 1/2 either way. `likeness`
    is the mean correlation of matched neurons over all compared layers, in magnitude; `moved` the share of
    exchangeable neurons that were elsewhere.
    """

    transform: Transform
    rest: Floats
    likeness: float
    moved: float


def differences(own: nn.Module, suspect: nn.Module) -> str:
    """Why the two networks cannot be compared neuron by neuron; empty if they can."""
    mine, other = own.state_dict(), suspect.state_dict()
    for name, value in mine.items():
        if name not in other:
            return f"the suspect has no {name!r}"
        if value.shape != other[name].shape:
            return f"{name!r} is {list(other[name].shape)} in the suspect, {list(value.shape)} in the owner's copy"
        if not bool(torch.isfinite(other[name]).all()):
            return f"{name!r} holds values that are no numbers"
    return ""


def estimate(own: nn.Module, suspect: nn.Module, groups: Groups, images: Tensor) -> Estimate:
    """Match neurons, then read scales and signs off the matched pairs.

    Args:
        own, suspect: networks of one architecture. groups: of `own`. images: [N, C, H, W].
    """
    mine, other = (activations(network, groups, images) for network in (own, suspect))
    tables = {name: correlations(mine[name], other[name]).numpy() for name in mine if name in other}
    source = assign(groups, scores(groups, tables))
    votes, classes, ratios = np.zeros(groups.sign.count), [np.zeros(0, np.int64)], [np.zeros(0)]
    matched = [np.zeros(0)]
    for layer in (layer for layer in groups.layers if layer.name in tables):
        origin = index_of(places(layer.out.perm, groups.perm), source)
        pairs = tables[layer.name][np.arange(len(origin)), origin]
        means = (mine[layer.name].mean(0) * other[layer.name][:, origin].mean(0)).numpy()
        np.add.at(votes, groups.sign.of[layer.out.sign[origin]], pairs + TIE * np.sign(means))
        classes.append(groups.scale.of[layer.out.scale[origin]])
        ratios.append(log_ratio(mine[layer.name], other[layer.name][:, origin]))
        matched.append(np.abs(pairs))
    exponent = medians(np.concatenate(classes), np.concatenate(ratios), groups.scale.count)
    exponent[FROZEN], votes[FROZEN] = 0.0, 0.0
    whole = np.rint(exponent).astype(np.int64)
    everything = np.ones(groups.perm.count, dtype=bool)
    sign: Ints = np.where(votes < 0, -1, 1)
    change = Transform(source, whole, sign, everything, 1.0, "free")
    found = np.concatenate(matched)
    return Estimate(
        change, exponent - whole, float(found.mean()) if found.size else 0.0, moved(groups, source)
    )


def moved(groups: Groups, source: Ints) -> float:
    """Share of the exchangeable neurons that another one takes the place of."""
    ids = [group.id for group in groups.groups]
    free = np.isin(groups.structure.bucket, ids)
    return float((source != np.arange(source.size))[free].mean()) if free.any() else 0.0


def log_ratio(own: Tensor, suspect: Tensor) -> Floats:
    """log2 of the owner's magnitude over the suspect's, neuron by neuron, [rows, C] twice -> [C]; nan for silent ones.

    Magnitude is the standard deviation; of a neuron that is constant (its gamma is zero, say) the root mean square.
    """
    spread = [table.std(0) for table in (own, suspect)]
    whole = [table.square().mean(0).sqrt() for table in (own, suspect)]
    constant = (spread[0] < CONSTANT * whole[0]) | (spread[1] < CONSTANT * whole[1])
    ratio = torch.log2(torch.where(constant, whole[0] / whole[1], spread[0] / spread[1]))
    return np.where(np.isfinite(ratio.numpy()), ratio.numpy(), np.nan)


def medians(classes: Ints, values: Floats, count: int) -> Floats:
    """[count] the median of the values of each class; 0 for a class without any."""
    known = np.isfinite(values)
    classes, values = classes[known], values[known]
    order = np.lexsort((values, classes))
    start = np.searchsorted(classes[order], np.arange(count + 1))
    size = np.diff(start)
    out = np.zeros(count)
    seen = size > 0
    middle = values[order]
    low, high = start[:-1] + (size - 1) // 2, start[:-1] + size // 2
    out[seen] = (middle[low[seen]] + middle[high[seen]]) / 2
    return out


def undo(suspect: nn.Module, groups: Groups, found: Estimate) -> nn.Module:
    """A copy of the suspect in the owner's order, scales and signs."""
    return apply(rescaled(suspect, groups, found.rest), groups, found.transform, check_result=False)


@torch.no_grad()
def rescaled(network: nn.Module, groups: Groups, rest: Floats) -> nn.Module:
    """A copy whose neurons are multiplied with 2^rest [scale classes], without change of function."""
    after = clone(network)
    held = {**dict(after.named_parameters(remove_duplicate=False)), **dict(after.named_buffers())}
    for use in groups.uses:
        held[use.name].data = _rescaled(held[use.name].data, use, groups, rest)
    return after


def _rescaled(old: Tensor, use: Use, groups: Groups, rest: Floats) -> Tensor:
    if use.role == "grouped":
        factors = [torch.from_numpy(_factor(axis, groups, rest).ravel()).to(old) for axis in use.axes]
        blocked = old.reshape(use.blocks, old.shape[0] // use.blocks, old.shape[1], -1)
        rows, columns = factors[0].reshape(use.blocks, -1, 1, 1), factors[1].reshape(use.blocks, 1, -1, 1)
        return (blocked * rows * columns).reshape(old.shape)
    for axis in use.axes:
        factor = torch.from_numpy(_factor(axis, groups, rest)).to(old)
        old = factor**2 * (old + use.eps) - use.eps if use.role == "variance" else old * factor
    return old


def _factor(axis: Axis, groups: Groups, rest: Floats) -> Floats:
    """What the places of an axis are multiplied with, in the shape of its labels."""
    power = np.zeros(axis.perm.shape)
    for symbols, direction in ((axis.up, 1), (axis.down, -1)):
        if symbols is not None:
            power = power + direction * rest[groups.scale.of[symbols]]
    factor: Floats = np.exp2(power)
    return factor
