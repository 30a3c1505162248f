"""Sums, products and reductions of tensors (sheet 1.7: what is summed shares one order, scale and sign)."""

from __future__ import annotations

import operator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ownmark_invariance.grouping.book import Book, full_on
from ownmark_invariance.grouping.errors import Unsupported
from ownmark_invariance.grouping.labels import Axis, Labels, inert, literal
from ownmark_invariance.grouping.parameters import record
from ownmark_invariance.grouping.rules import Call, Stored, register
from ownmark_invariance.grouping.rules.pointwise import pointwise
from ownmark_invariance.grouping.symbols import Ints

MAX_ELEMENTS = 1 << 16


def zeros(book: Book, value: Tensor) -> Labels:
    """Labels of a tensor of zeros: it may be taken to be permuted, scaled and flipped in any way."""
    return book.fresh(tuple(value.shape)) if value.numel() <= MAX_ELEMENTS else inert(value.ndim)


@register(torch.zeros, torch.zeros_like, "new_zeros")
def make_zeros(call: Call) -> Labels:
    """An initial state."""
    return zeros(call.book, call.out)


def lead(labels: Labels, ndim: int) -> Labels:
    """Labels with inert dimensions put in front, as broadcasting does."""
    return labels.map(lambda a: a.reshape((1,) * (ndim - a.ndim) + a.shape))


def operands(call: Call) -> tuple[Labels | None, Labels | None]:
    """Labels of both sides in the output's dimensions; None for a number."""
    sides = (call.label(0, "input"), call.label(1, "other"))
    return tuple(lead(s, call.out.ndim) if isinstance(s, Labels) else None for s in sides)  # type: ignore[return-value]


def tie_order(call: Call, a: Labels, b: Labels) -> Labels:
    """Tie the orders of two broadcast operands; the labels' order of the result.

    An operand that truly has one element where the other has channels says nothing about their order.
    """
    sizes = [
        (1,) * (call.out.ndim - t.ndim) + tuple(t.shape) for t in (call.value(0, ""), call.value(1, "other"))
    ]
    for small, large, size in ((a, b, sizes[0]), (b, a, sizes[1])):
        if not small.varies() and all(size[d] == 1 for d in large.varies()):
            return large
    call.book.tie(a, b, ("perm",))
    larger = a if a.perm.size >= b.perm.size else b
    return spread_to(larger, np.broadcast_shapes(a.shape, b.shape))


def spread_to(labels: Labels, shape: tuple[int, ...]) -> Labels:
    """Labels broadcast to a shape of labels."""
    return labels.map(lambda a: np.broadcast_to(a, shape))


ADDITIONS = (
    operator.add,
    operator.iadd,
    torch.add,
    "add",
    "add_",
    operator.sub,
    operator.isub,
    torch.sub,
    "sub",
    "sub_",
)
PRODUCTS = (operator.mul, operator.imul, torch.mul, "mul", "mul_")
QUOTIENTS = (operator.truediv, operator.itruediv, torch.div, "div", "div_")


@register(*ADDITIONS, torch.rsub)
def addition(call: Call) -> Labels:
    """Both sides share order, scale and sign; adding a number leaves the order."""
    a, b = operands(call)
    if a is None or b is None:
        return _shift(call, a if a is not None else b)
    order = tie_order(call, a, b).perm
    call.book.tie(a, b, ("scale", "sign"))
    larger = spread_to(a if a.scale.size >= b.scale.size else b, order.shape)
    return Labels(order, larger.scale, larger.sign)


def _shift(call: Call, labels: Labels | None) -> Labels:
    if labels is None:
        raise Unsupported("no tensor among the operands")
    call.book.freeze(labels, "a number is added", ("scale", "sign"))
    return Labels(labels.perm, np.zeros_like(labels.scale), np.zeros_like(labels.sign))


@register(torch.maximum, torch.minimum, "maximum", "minimum")
def extremum(call: Call) -> Labels:
    """Like a sum, but not odd."""
    if any(side is None for side in operands(call)):
        raise Unsupported("maximum with a number")
    out = addition(call)
    call.book.freeze(out, "maximum of two tensors", ("sign",))
    return out


@register(*PRODUCTS)
def product(call: Call) -> Labels:
    """A gate whose scale is one lets the other side pass; a parameter is a diagonal layer; else scales freeze."""
    sides = [*call.arg_labels, *call.kwarg_labels.values()][:2]
    for index, side in enumerate(sides):
        if isinstance(side, Stored) and side.ref.tensor is not None:
            if side.ref.tensor.numel() > 1:
                return _diagonal(call, side, index)
            call.book.freeze(side.labels(call.book), "a single factor of all channels")
            return lead(call.labels(1 - index, "input" if index else "other"), call.out.ndim)
    a, b = operands(call)
    if a is None or b is None:
        return _multiple(a if a is not None else b)
    order = tie_order(call, a, b).perm
    scale = _passing(call, a, b, "scale", order.shape)
    same = call.value(0, "input") is call.value(1, "other")
    sign = np.zeros(order.shape, dtype=np.int64) if same else _passing(call, a, b, "sign", order.shape)
    return Labels(order, scale, sign)


def _multiple(labels: Labels | None) -> Labels:
    if labels is None:
        raise Unsupported("no tensor among the operands")
    return labels


def _passing(call: Call, a: Labels, b: Labels, kind: str, shape: tuple[int, ...]) -> Ints:
    """The scale (sign) of a product, if one side's is known to be one; otherwise both sides freeze."""
    for side, gate in ((a, b), (b, a)):
        if literal(getattr(gate, kind)):
            return np.broadcast_to(getattr(side, kind), shape)
    for side in (a, b):
        call.book.freeze(side, "product of two tensors", (kind,))
    return np.zeros(shape, dtype=np.int64)


def _diagonal(call: Call, stored: Stored, index: int) -> Labels:
    """x * parameter: the parameter takes the ratio of the new and the old scale, and both signs."""
    other = call.label(1 - index, "input" if index else "other")
    if not isinstance(other, Labels) or call.name.endswith(("mul_", "imul")):
        raise Unsupported("a parameter that multiplies in place")
    tensor = stored.ref.tensor
    assert tensor is not None
    shape = (1,) * (call.out.ndim - tensor.ndim) + tuple(tensor.shape)
    wide = {dim for dim, size in enumerate(shape) if size > 1}
    into = lead(other, call.out.ndim)
    if into.varies() - wide:
        raise Unsupported("a parameter that multiplies several channels at once")
    into = full_on(into, tuple(call.out.shape), wide)
    free = call.book.fresh(into.shape, ("scale", "sign"))
    axis = Axis(into.perm, up=free.scale, down=into.scale, signs=(into.sign, free.sign))
    record(call.book, stored.ref, [axis.map(lambda a: a.reshape(tensor.shape))])
    return Labels(into.perm, free.scale, free.sign)


@register(*QUOTIENTS)
def quotient(call: Call) -> Labels:
    """The divisor must be plain: its scale and sign freeze."""
    a, b = operands(call)
    if a is None:
        return pointwise(_swapped(call), homogeneous=False, odd=False)
    if b is None:
        return a
    order = tie_order(call, a, b).perm
    call.book.freeze(b, "divisor", ("scale", "sign"))
    out = spread_to(a, order.shape)
    return Labels(order, out.scale, out.sign)


def _swapped(call: Call) -> Call:
    return replace(call, args=call.args[::-1], arg_labels=call.arg_labels[::-1])


@register(torch.mean, "mean", torch.sum, "sum")
def linear_reduction(call: Call) -> Labels:
    """Sums over positions pass everything; sums over all channels forget their order and tie their scales."""
    return _reduce(call, call.labels())


@register(torch.amax, "amax", torch.amin, "amin")
def extreme_reduction(call: Call) -> Labels:
    """As sums, but not odd."""
    return _reduce(call, pointwise(call, homogeneous=True, odd=False))


def _reduce(call: Call, labels: Labels) -> Labels:
    x = call.tensor()
    dims = call.value(1, "dim")
    dims = range(x.ndim) if dims is None else [dims] if isinstance(dims, int) else dims
    gone = {d % x.ndim for d in dims}
    if (over := labels.varies() & gone) and over != labels.varies():
        raise Unsupported("reduced over a part of the channels")
    if over:
        free = Labels(np.zeros_like(labels.perm), labels.scale, labels.sign)
        labels = call.book.collapse(free, ())
    if call.out.ndim < x.ndim:
        return labels.map(lambda a: a.reshape([s for d, s in enumerate(a.shape) if d not in gone]))
    return labels


@register("masked_fill", torch.masked_fill)
def masked_fill(call: Call) -> Labels:
    """A mask over positions lets the order pass; filling with anything but zero fixes scale and sign."""
    mask = call.label(1, "mask")
    if isinstance(mask, Labels) and mask.varies():
        raise Unsupported("a mask over channels")
    if call.value(2, "value") == 0:
        return call.labels()
    return pointwise(call, homogeneous=False, odd=False)
