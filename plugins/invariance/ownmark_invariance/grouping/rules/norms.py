"""Normalisers: the order passes; scales and signs depend on where the statistics come from (sheet 1.1, 1.6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch.nn.functional as F
from torch import nn

from ownmark_invariance.grouping.book import Layer, full_on
from ownmark_invariance.grouping.errors import Unsupported
from ownmark_invariance.grouping.labels import Axis, Labels, along, literal
from ownmark_invariance.grouping.parameters import Ref, record
from ownmark_invariance.grouping.rules import Call, Kept, Stored, register
from ownmark_invariance.grouping.rules.stored import standardised
from ownmark_invariance.grouping.rules.weights import block_of
from ownmark_invariance.grouping.symbols import Ints

EPS = "keeps no statistics, so a scale before it would meet its eps"


@dataclass(frozen=True)
class Affine:
    """The learned part of a normaliser and its stored statistics; None where absent."""

    weight: Ref | Stored | None
    bias: Ref | Stored | None
    mean: Ref | Stored | None = None
    var: Ref | Stored | None = None
    eps: float = 0.0

    @property
    def has_weight(self) -> bool:
        """Whether there is a gamma to absorb a sign."""
        if not isinstance(self.weight, Ref):
            return self.weight is not None
        return self.weight.owner._parameters.get(self.weight.name, ...) is not None

    @property
    def has_statistics(self) -> bool:
        """Whether the normaliser uses stored statistics in eval mode."""
        return self.mean is not None and self.mean.tensor is not None


def _affine(call: Call, weight: int, bias: int, mean: int | None = None, var: int | None = None) -> Affine:
    stats: tuple[Ref | Stored | None, Ref | Stored | None] = (None, None)
    if mean is not None and var is not None:
        stats = (call.ref("running_mean", mean), call.ref("running_var", var))
    eps = getattr(call.module, "eps", None) if call.module is not None else call.kwargs.get("eps", 1e-5)
    return Affine(call.ref("weight", weight), call.ref("bias", bias), *stats, eps or 0.0)


def apply_norm(call: Call, into: Labels, affine: Affine, kind: str) -> Labels:
    """Absorb what the normaliser can absorb; `into` and the result are labels of the parameters' own shape.

    With statistics: mu' = kappa mu, var' = kappa^2 (var + eps) - eps, gamma' = sign(kappa) lambda gamma,
    beta' = lambda beta. Without a gamma the sign passes, and so does the scale of stored statistics (rho = kappa).
    """
    book = call.book
    if not affine.has_statistics:
        book.freeze(into, f"{kind} {EPS}", ("scale",))
    fresh = book.fresh(into.shape, ("scale", "sign"))
    zeros = np.zeros_like(into.scale)
    if affine.has_weight:
        out = Labels(into.perm, fresh.scale, fresh.sign)
    else:
        out = Labels(into.perm, into.scale if affine.has_statistics else zeros, into.sign)
    _record(call, into, out, affine)
    _report(call, into, out, affine, kind)
    return out


def _record(call: Call, into: Labels, out: Labels, affine: Affine) -> None:
    book = call.book
    if affine.has_weight and affine.weight is not None:
        record(book, affine.weight, [Axis(into.perm, up=out.scale, signs=(into.sign, out.sign))])
    if affine.bias is not None:
        record(book, affine.bias, [Axis(into.perm, up=out.scale, signs=(out.sign,))])
    if affine.has_statistics and affine.mean is not None and affine.var is not None:
        record(book, affine.mean, [Axis(into.perm, up=into.scale, signs=(into.sign,))])
        up = into.scale if affine.has_weight else None
        record(book, affine.var, [Axis(into.perm, up=up)], "variance", eps=affine.eps)


def _report(call: Call, into: Labels, out: Labels, affine: Affine, kind: str) -> None:
    absorbs = affine.has_statistics and affine.has_weight
    flat_out, flat_into = (labels.map(lambda a: a.reshape(-1)) for labels in (out, into))
    call.book.layers.append(Layer(call.name, kind, flat_out, flat_into, absorbs))


def _tie_signs(call: Call, into: Labels, blocks: Ints, kind: str) -> None:
    """One sign for each block: statistics over several channels do not follow a flip of some of them."""
    order = np.argsort(blocks.ravel(), kind="stable")
    signs, ids = into.sign.ravel()[order], blocks.ravel()[order]
    first = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]])
    call.book.sign.tie(signs, signs[first][np.cumsum(np.r_[True, ids[1:] != ids[:-1]]) - 1], call.book.where)
    count = len(signs) // len(first)
    call.book.ties.append((signs, f"{kind} '{call.name}' takes its statistics over {count} channels at once"))


@register(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
@register(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
def batch_norm(call: Call) -> Labels:
    """One channel at a time; without stored statistics like an instance norm over the batch."""
    instance = isinstance(call.module, (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d))
    x = call.tensor()
    channel = x.ndim - _spatial(call.module) - 1 if instance else 1
    return _per_channel(call, channel, _affine(call, 1, 2, 3, 4))


def _spatial(module: nn.Module | None) -> int:
    return next(n for n in (1, 2, 3) if isinstance(module, getattr(nn, f"InstanceNorm{n}d")))


@register(F.batch_norm)
def batch_norm_function(call: Call) -> Labels | Stored:
    """F.batch_norm(x, mean, var, weight, bias, training, momentum, eps) with parameters of a module."""
    if isinstance(weight := call.found(), Stored) and not isinstance(weight, Kept):
        return _standardised(call, weight)
    if call.value(5, "training", False) and call.value(1, "running_mean") is not None:
        raise Unsupported("batch norm on batch statistics with stored ones given")
    affine = _affine(call, 3, 4)
    mean, var = call.ref("running_mean", 1), call.ref("running_var", 2)
    eps = float(call.value(7, "eps", 1e-5))
    return _per_channel(call, 1, Affine(affine.weight, affine.bias, mean, var, eps))


def _standardised(call: Call, weight: Stored) -> Stored:
    """Weight standardisation, written as a norm of the weight as one image [1, rows, columns]."""
    gain = call.ref("weight", 3)
    if (
        call.value(1, "running_mean") is not None
        or call.value(4, "bias") is not None
        or isinstance(gain, Ref)
    ):
        raise Unsupported("a weight that is normed in another way")
    return standardised(weight, call.out, 1, gain)


def _per_channel(call: Call, channel: int, affine: Affine) -> Labels:
    x = call.tensor()
    into = call.book.channels(call.labels(), channel, x.shape[channel])
    kind = type(call.module).__name__ if call.module is not None else "batch_norm"
    out = apply_norm(call, into, affine, kind)
    return out.map(lambda a: along(a, channel, x.ndim))


@register(nn.GroupNorm, F.group_norm)
def group_norm(call: Call) -> Labels:
    """Groups move as blocks; one sign a group; any scale after it (gamma, beta), none before (eps)."""
    x = call.tensor()
    into = call.book.channels(call.labels(), 1, x.shape[1])
    groups = int(call.module.num_groups) if call.module is not None else int(call.value(1, "num_groups"))  # type: ignore[arg-type]
    blocks = block_of(x.shape[1], groups)
    if groups < x.shape[1]:
        _tie_signs(call, into, blocks, "GroupNorm")
    if 1 < groups < x.shape[1]:
        call.book.block([(into.perm, blocks)])
    out = apply_norm(call, into, _affine(call, 2, 3), "GroupNorm")
    return out.map(lambda a: along(a, 1, x.ndim))


@register(nn.LayerNorm, F.layer_norm)
def layer_norm(call: Call) -> Labels:
    """One group of everything normalised: any order, one sign, any scale after it."""
    into = _normalised(call)
    _tie_signs(call, into, np.zeros_like(into.sign), "LayerNorm")
    return _over_shape(call, into, "LayerNorm")


@register(nn.RMSNorm, F.rms_norm)
def rms_norm(call: Call) -> Labels:
    """No mean is taken, so a channel's sign does not change the statistics: signs per channel."""
    return _over_shape(call, _normalised(call), "RMSNorm")


def _normalised(call: Call) -> Labels:
    """Labels of the trailing dimensions that are normalised, in the shape of the weight."""
    x = call.tensor()
    shape = call.module.normalized_shape if call.module is not None else call.value(1, "normalized_shape")
    count = len(tuple(shape))  # type: ignore[arg-type]
    keep = range(x.ndim - count, x.ndim)
    labels = call.book.collapse(call.labels(), keep)
    if not labels.varies():
        labels = full_on(labels, tuple(x.shape), {keep[0]})
    return labels.map(lambda a: a.reshape(a.shape[x.ndim - count :]))


def _over_shape(call: Call, into: Labels, kind: str) -> Labels:
    bias = call.ref("bias", 3) if kind == "LayerNorm" else None
    affine = Affine(call.ref("weight", 2), bias)
    out = apply_norm(call, into, affine, kind)
    lead = (1,) * (call.tensor().ndim - len(out.shape))
    return out.map(lambda a: a.reshape(lead + a.shape))


@register(F.normalize)
def unit_norm(call: Call) -> Labels:
    """x / |x| along one dimension: order and signs pass, the clamp at eps forbids scales."""
    x, dim = call.tensor(), call.value(2, "dim", 1)
    labels = call.labels()
    if labels.varies() - {dim % x.ndim}:
        raise Unsupported("normalised along a part of the channels")
    if not literal(labels.scale):
        call.book.freeze(labels, f"normalize {EPS}", ("scale",))
    return Labels(labels.perm, np.zeros_like(labels.scale), labels.sign)
