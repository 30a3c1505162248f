"""Activations and pools: what passes through a function applied to each channel alone (sheet 1.3, 1.4)."""

from __future__ import annotations

import operator
from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ownmark_invariance.grouping.book import Layer
from ownmark_invariance.grouping.errors import Unsupported
from ownmark_invariance.grouping.labels import Axis, Labels, along
from ownmark_invariance.grouping.parameters import record
from ownmark_invariance.grouping.rules import Call, register
from ownmark_invariance.grouping.rules.layout import rearrange


def pointwise(call: Call, *, homogeneous: bool, odd: bool, even: bool = False) -> Labels:
    """Order passes; scales pass if f(kx) = k f(x) for k > 0; signs pass if f is odd and vanish if it is even."""
    if not call.out.is_floating_point():
        raise Unsupported("turned into whole numbers")
    labels, zeros = call.labels(), np.zeros_like(call.labels().scale)
    if not homogeneous:
        call.book.freeze(labels, "not positively homogeneous", ("scale",))
    if not odd and not even:
        call.book.freeze(labels, "not an odd function", ("sign",))
    return Labels(labels.perm, labels.scale if homogeneous else zeros, labels.sign if odd else zeros)


LINEAR: tuple[Hashable, ...] = (
    nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, F.dropout, F.dropout1d,
    F.dropout2d, F.dropout3d, F.alpha_dropout, nn.FeatureAlphaDropout, operator.neg, torch.neg, "neg", "contiguous",
    "clone", torch.clone, "float", "double", "half", "bfloat16", "to", "type", "cpu", "cuda", "detach", "type_as",
    "requires_grad_", "alias", nn.Dropout2d, torch.dropout, torch.feature_dropout, torch.alpha_dropout,
)  # fmt: skip
RECTIFIED: tuple[Hashable, ...] = (
    nn.ReLU, nn.LeakyReLU, nn.RReLU, F.relu, F.relu_, torch.relu, torch.relu_, F.leaky_relu, F.leaky_relu_, F.rrelu,
    "relu", "relu_",
)  # fmt: skip
ODD: tuple[Hashable, ...] = (
    nn.Tanh, torch.tanh, F.tanh, "tanh", "tanh_", nn.Softsign, F.softsign, nn.Tanhshrink, F.tanhshrink, torch.sin,
    "sin", torch.atan, "atan", torch.asinh, torch.sinh, torch.erf, "erf", nn.Softshrink, F.softshrink, nn.Hardshrink,
    F.hardshrink, torch.sign, "sign",
)  # fmt: skip
OTHER: tuple[Hashable, ...] = (
    nn.Sigmoid, torch.sigmoid, F.sigmoid, "sigmoid", "sigmoid_", nn.ReLU6, F.relu6, nn.Hardswish, F.hardswish,
    nn.Hardsigmoid, F.hardsigmoid, nn.GELU, F.gelu, nn.SiLU, F.silu, nn.Mish, F.mish, nn.ELU, F.elu, nn.CELU, F.celu,
    nn.SELU, F.selu, nn.Softplus, F.softplus, nn.LogSigmoid, F.logsigmoid, nn.Threshold, F.threshold, torch.exp,
    "exp", torch.log, "log", torch.sqrt, "sqrt", torch.rsqrt, "rsqrt", torch.cos, "cos", torch.reciprocal, nn.ReLU6,
    torch.floor, torch.round,
)  # fmt: skip
LINEAR_POOLS: tuple[Hashable, ...] = (
    nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d,
    F.avg_pool1d, F.avg_pool2d, F.avg_pool3d, F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d,
    nn.Upsample, nn.UpsamplingNearest2d, nn.UpsamplingBilinear2d, F.interpolate,
)  # fmt: skip
MAX_POOLS: tuple[Hashable, ...] = (
    nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d,
    F.max_pool1d, F.max_pool2d, F.max_pool3d, torch.max_pool1d, torch.max_pool2d, F.adaptive_max_pool1d,
    F.adaptive_max_pool2d, F.adaptive_max_pool3d,
)  # fmt: skip


@register(*LINEAR)
def linear_map(call: Call) -> Labels:
    """Everything passes."""
    inside = call.module is None and "dropout" in call.name.partition(" ")[0]
    if inside and call.value(2, "training", call.kwargs.get("train", False)):
        raise Unsupported("dropout that is always on")
    return pointwise(call, homogeneous=True, odd=True)


@register(*RECTIFIED)
def rectifier(call: Call) -> Labels:
    """ReLU and its leaky relatives."""
    if call.kwargs.get("training", False):
        raise Unsupported("random rectifier in training mode")
    return pointwise(call, homogeneous=True, odd=False)


@register(*ODD)
def odd_function(call: Call) -> Labels:
    """tanh and its like: signs only."""
    return pointwise(call, homogeneous=False, odd=True)


@register(*OTHER)
def other_function(call: Call) -> Labels:
    """Order only."""
    if any(isinstance(a, Labels) for a in call.arg_labels[1:]):
        raise Unsupported("a bound that is itself a tensor")
    return pointwise(call, homogeneous=False, odd=False)


@register(torch.clamp, "clamp", "clamp_", torch.clip, "clip")
def clamp(call: Call) -> Labels:
    """A rectifier if it only cuts at zero."""
    low, high = (_bound(call, call.value(at, name)) for at, name in ((1, "min"), (2, "max")))
    return pointwise(call, homogeneous={low, high} == {0, None}, odd=False)


def _bound(call: Call, value: Any) -> Any:
    """A number, or None; one in a tensor counts unless it is a weight, which training could move."""
    if isinstance(value, torch.Tensor):
        if value.numel() > 1 or not call.constant(value):
            raise Unsupported("a bound that is itself a tensor")
        return value.item()
    return value


@register(torch.abs, "abs", operator.abs)
def absolute(call: Call) -> Labels:
    """Signs vanish."""
    return pointwise(call, homogeneous=True, odd=False, even=True)


@register(torch.square, "square")
def square(call: Call) -> Labels:
    """Signs vanish; scales would be squared."""
    return pointwise(call, homogeneous=False, odd=False, even=True)


@register(torch.pow, "pow", operator.pow)
def power(call: Call) -> Labels:
    """Even whole exponents lose the sign; others only let the order pass."""
    exponent = call.value(1, "exponent")
    if not isinstance(exponent, (int, float)):
        raise Unsupported("power with an exponent that is a tensor")
    return pointwise(call, homogeneous=False, odd=False, even=exponent % 2 == 0)


@register(nn.Hardtanh, F.hardtanh)
def hard_tanh(call: Call) -> Labels:
    """Odd if its bounds are symmetric."""
    low = getattr(call.module, "min_val", None) if call.module else call.value(1, "min_val", -1.0)
    high = getattr(call.module, "max_val", None) if call.module else call.value(2, "max_val", 1.0)
    return pointwise(call, homogeneous=False, odd=low == -high)  # type: ignore[operator]


@register(nn.PReLU, F.prelu)
def parametric_relu(call: Call) -> Labels:
    """Positively homogeneous; slopes move with their channels."""
    slope = call.ref("weight", 1)
    out = pointwise(call, homogeneous=True, odd=False)
    if slope is None or slope.tensor is None:
        raise Unsupported("slopes that are not a plain parameter")
    if slope.tensor.numel() > 1:
        channels = call.book.channels(out, 1, call.tensor().shape[1])
        record(call.book, slope, [Axis(channels.perm)])
        call.book.layers.append(Layer(call.name, "PReLU", channels))
        out = channels.map(lambda a: along(a, 1, call.out.ndim))
    return out


@register(nn.Softmax, F.softmax, torch.softmax, "softmax", nn.LogSoftmax, F.log_softmax, "log_softmax")
@register(nn.Softmax2d)
def softmax(call: Call) -> Labels:
    """Order passes if it runs along the channels or beside them, not along a part of them."""
    dim = getattr(call.module, "dim", None) if call.module else call.value(1, "dim")
    dim = -3 if isinstance(call.module, nn.Softmax2d) else dim
    varies = call.labels().varies()
    if not isinstance(dim, int) or (dim % call.out.ndim in varies and len(varies) > 1):
        raise Unsupported("softmax along a part of the channels")
    return pointwise(call, homogeneous=False, odd=False)


@register(nn.GLU, F.glu)
def gated(call: Call) -> Labels:
    """a sigmoid(b) of two halves: they share an order, and only a has a scale and a sign."""
    dim = int(getattr(call.module, "dim", call.value(1, "dim", -1)))  # type: ignore[arg-type]
    halves = call.tensor().chunk(2, dim)
    a, b = rearrange(replace(call, out=halves, again=lambda t: t.chunk(2, dim)), call.labels())
    call.book.freeze(b, "a gate", ("scale", "sign"))
    call.book.tie(a, b, ("perm",))
    return a  # type: ignore[no-any-return]


def _spatial_only(call: Call, labels: Labels) -> Labels:
    """Pools act on the trailing dimensions; channels are dimension 1, or 0 without a batch."""
    name = type(call.module).__name__ if call.module is not None else call.name.partition(" ")[0]
    spatial = next((n for n in (1, 2, 3) if f"{n}d" in name), call.tensor().ndim - 2)
    return call.book.collapse(labels, range(call.tensor().ndim - spatial))


@register(*LINEAR_POOLS)
def linear_pool(call: Call) -> Labels:
    """Averages and interpolations are linear: everything passes."""
    return _spatial_only(call, pointwise(call, homogeneous=True, odd=True))


@register(*MAX_POOLS)
def max_pool(call: Call) -> Labels:
    """Maxima are positively homogeneous, not odd."""
    if not isinstance(call.out, torch.Tensor):
        raise Unsupported("a pool that returns indices")
    return _spatial_only(call, pointwise(call, homogeneous=True, odd=False))
