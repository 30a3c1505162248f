"""Masks, comparisons and choices between tensors (sheet 1.7: whatever meets element by element shares one order)."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ownmark_invariance.grouping.errors import Unsupported
from ownmark_invariance.grouping.labels import Labels, literal
from ownmark_invariance.grouping.rules import Call, register
from ownmark_invariance.grouping.rules.arithmetic import fitted, lead, operands, reduced, tie_order, tied


def plain(perm: Any) -> Labels:
    """An order without scales and signs."""
    zeros = np.zeros_like(perm)
    return Labels(perm, zeros, zeros)


COMPARISONS = (
    torch.gt, torch.lt, torch.ge, torch.le, torch.eq, torch.ne, "gt", "lt", "ge", "le", "eq", "ne", "__eq__", "__ne__",
    "greater", "less", operator.gt, operator.lt, operator.ge, operator.le,
)  # fmt: skip
LOGIC = (
    "logical_and", "logical_or", "logical_xor", "__and__", "__or__", "__xor__", "bitwise_and", "bitwise_or",
    "bitwise_xor",
)  # fmt: skip


@register(*COMPARISONS)
def comparison(call: Call) -> Labels:
    """Positive scales do not change how numbers compare with zero, nor with others of the same scale."""
    a, b = operands(call)
    if a is None or b is None:
        side, index = (a, 1) if a is not None else (b, 0)
        assert side is not None
        zero = call.value(index, "other") == 0
        call.book.freeze(side, "compared with a number", ("sign",) if zero else ("scale", "sign"))
        return plain(side.perm)
    call.book.tie(a, b, ("scale", "sign"))
    order = tie_order(call, a, b)
    call.book.freeze(order, "compared", ("sign",))
    return plain(order.perm)


@register(*LOGIC)
def logic(call: Call) -> Labels:
    """Truth values share an order."""
    a, b = operands(call)
    if a is None or b is None:
        raise Unsupported("truth values joined with a number")
    return plain(tie_order(call, a, b).perm)


@register("logical_not", "__invert__", "bitwise_not", torch.logical_not, torch.bitwise_not)
@register(torch.isfinite, torch.isnan, torch.isinf, "isfinite", "isnan", "isinf", "bool")
def predicate(call: Call) -> Labels:
    """A question about each number that scales and signs do not change."""
    return plain(call.labels().perm)


@register(torch.all, "all", torch.any, "any")
def quantifier(call: Call) -> Labels:
    """Of everything, or along dimensions without channels."""
    labels = call.labels()
    if not literal(labels.scale) or not literal(labels.sign):
        labels = plain(labels.perm)  # whether a number is zero
    return reduced(call, labels)


@register(torch.masked_fill, "masked_fill")
def masked_fill(call: Call) -> Labels:
    """A mask shares the order of what it covers; a filling fixes what it does not follow."""
    x, mask = call.labels(), lead(call.labels(1, "mask"), call.out.ndim)
    order = tied(call.book, (x, call.extent(call.tensor())), (mask, call.extent(call.tensor(1, "mask"))))
    return _filled(call, order, lead(x, call.out.ndim), call.value(2, "value"))


def _filled(call: Call, order: Labels, x: Labels, value: Any) -> Labels:
    if isinstance(value, Tensor):
        if not call.constant(value) and bool(value.any()):
            raise Unsupported("filled with a computed number")
        value = float(value)
    scale, sign = (fitted(call.book, x, order.shape, kind) for kind in ("scale", "sign"))
    fixed = () if value == 0 else ("sign",) if math.isinf(value) else ("scale", "sign")
    out = Labels(order.perm, scale, sign)
    call.book.freeze(out, "filled with a number", fixed)
    return out


@register(torch.where, "where")
def choice(call: Call) -> Labels:
    """where(mask, a, b): all three share an order, a and b scale and sign as well."""
    if len(call.args) + len(call.kwargs) != 3:
        raise Unsupported("places where something holds")
    method = isinstance(call.value(1, "condition"), Tensor) and call.value(1, "input").dtype == torch.bool
    first = 0 if method and call.tensor().dtype != torch.bool else 1
    mask, size = _side(call, 1 - first, "condition")
    a, b = (call.value(first, "input"), call.value(2, "other"))
    if mask is None:
        raise Unsupported("a condition that is no tensor")
    sides = [_side(call, first, "input"), _side(call, 2, "other")]
    order = (mask, size)
    for labels, extent in sides:
        if labels is not None:
            order = (tied(call.book, order, (labels, extent)), _joined(order[1], extent))
    given = [labels for labels, _ in sides if labels is not None]
    if not given:
        return plain(order[0].perm)
    for other in given[1:]:
        call.book.tie(given[0], other, ("scale", "sign"))
    if len(given) == 1:
        return _filled(call, order[0], given[0], b if sides[1][0] is None else a)
    scale, sign = (fitted(call.book, _wider(given), order[0].shape, kind) for kind in ("scale", "sign"))
    return Labels(order[0].perm, scale, sign)


def _wider(given: list[Labels]) -> Labels:
    return max(given, key=lambda labels: labels.scale.size)


def _side(call: Call, index: int, name: str) -> tuple[Labels | None, tuple[int, ...]]:
    value = call.value(index, name)
    if not isinstance(value, Tensor):
        return None, ()
    return lead(call.labels(index, name), call.out.ndim), call.extent(value)


def _joined(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(max(s, t) for s, t in zip(a, b, strict=True))
