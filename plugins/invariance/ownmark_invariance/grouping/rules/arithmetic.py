"""Sums, products and reductions of tensors (sheet 1.7: what is summed shares one order, scale and sign)."""

from __future__ import annotations

import operator
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ownmark_invariance.grouping.book import Book, full_on
from ownmark_invariance.grouping.errors import Unsupported
from ownmark_invariance.grouping.labels import Axis, Labels, inert, literal
from ownmark_invariance.grouping.rules import Call, Kept, Stored, register
from ownmark_invariance.grouping.rules.pointwise import pointwise
from ownmark_invariance.grouping.rules.stored import multiple
from ownmark_invariance.grouping.symbols import Ints

MAX_ZEROS = 1 << 16


@register(torch.zeros_like, "new_zeros")
def make_zeros(call: Call) -> Labels:
    """An initial state: it may be taken to be permuted, scaled and flipped in any way."""
    size = call.out.numel()
    return call.book.fresh(tuple(call.out.shape)) if size <= MAX_ZEROS else inert(call.out.ndim)


def lead(labels: Labels, ndim: int) -> Labels:
    """Labels with inert dimensions put in front, as broadcasting does."""
    return labels.map(lambda a: a.reshape((1,) * (ndim - a.ndim) + a.shape))


def operands(call: Call) -> tuple[Labels | None, Labels | None]:
    """Labels of both sides in the output's dimensions; None for a number."""
    sides = (call.label(0, "input"), call.label(1, "other"))
    return tuple(lead(s, call.out.ndim) if isinstance(s, Labels) else None for s in sides)  # type: ignore[return-value]


def tie_order(call: Call, a: Labels, b: Labels) -> Labels:
    """Tie the orders of two broadcast operands; the labels' order of the result.

    An operand that has one element where the other has channels, or a constant that has equal values there, says
    nothing about their order.
    """
    return tied(call.book, (a, call.extent(call.value(0, "input"))), (b, call.extent(call.value(1, "other"))))


def tied(book: Book, *sides: tuple[Labels, tuple[int, ...]]) -> Labels:
    """The same of any two labels with the true sizes of their tensors."""
    (a, size_a), (b, size_b) = sides
    for small, large, size in ((a, b, size_a), (b, a, size_b)):
        if not small.varies() and all(size[d] == 1 for d in large.varies()):
            return large
    book.tie(a, b, ("perm",))
    one = [d for d, (s, t) in enumerate(zip(a.shape, b.shape, strict=True)) if min(s, t) == 1]
    larger = spread_to(a if a.perm.size >= b.perm.size else b, np.broadcast_shapes(a.shape, b.shape))
    return larger.map(lambda x: x[tuple(slice(0, 1) if d in one else slice(None) for d in range(x.ndim))])


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


@register(*ADDITIONS, torch.rsub, "rsub")
def addition(call: Call) -> Labels:
    """Both sides share order, scale and sign; adding a number leaves the order."""
    a, b = operands(call)
    if a is None or b is None:
        return _shift(call, a if a is not None else b)
    call.book.tie(a, b, ("scale", "sign"))
    return tie_order(call, a, b)


def _shift(call: Call, labels: Labels | None) -> Labels:
    if labels is None:
        raise Unsupported("no tensor among the operands")
    call.book.freeze(labels, "a number is added", ("scale", "sign"))
    return Labels(labels.perm, np.zeros_like(labels.scale), np.zeros_like(labels.sign))


@register(torch.maximum, torch.minimum, "maximum", "minimum", torch.fmax, torch.fmin)
def extremum(call: Call) -> Labels:
    """Like a sum, but not odd."""
    if any(side is None for side in operands(call)):
        raise Unsupported("maximum with a number")
    out = addition(call)
    call.book.freeze(out, "maximum of two tensors", ("sign",))
    return out


@register(*PRODUCTS)
def product(call: Call) -> Any:
    """A gate whose scale is one lets the other side pass; a parameter is a diagonal layer; else scales freeze."""
    sides = (call.found(0, "input"), call.found(1, "other"))
    for index, side in enumerate(sides):
        if isinstance(side, Stored) and not isinstance(side, Kept):
            return _times_weight(call, side, index)
    a, b = operands(call)
    if a is None or b is None:
        return _multiple(a if a is not None else b)
    order = tie_order(call, a, b).perm
    scale = _passing(call, a, b, "scale", order.shape)
    same = call.value(0, "input") is call.value(1, "other")
    sign = np.zeros(order.shape, dtype=np.int64) if same else _passing(call, a, b, "sign", order.shape)
    return Labels(order, scale, sign)


def _times_weight(call: Call, side: Stored, index: int) -> Any:
    """A multiple of the weight, or what it makes of the channels of the other side."""
    name = "input" if index else "other"
    other = call.value(1 - index, name)
    one = not isinstance(other, Tensor) or (call.constant(other) and set(call.extent(other)) <= {1})
    if one and call.out.shape == side.tensor.shape:
        return multiple(side, call.out)
    if side.tensor.numel() > 1:
        return _diagonal(call, side, index)
    call.book.freeze(side.labels(call.book), "a single factor of all channels")
    return lead(call.labels(1 - index, name), call.out.ndim)


def _multiple(labels: Labels | None) -> Labels:
    if labels is None:
        raise Unsupported("no tensor among the operands")
    return labels


def _passing(call: Call, a: Labels, b: Labels, kind: str, shape: tuple[int, ...]) -> Ints:
    """The scale (sign) of a product, if one side's is known to be one; otherwise both sides freeze."""
    for side, gate in ((a, b), (b, a)):
        if literal(getattr(gate, kind)):
            return fitted(call.book, side, shape, kind)
    for side in (a, b):
        call.book.freeze(side, "product of two tensors", (kind,))
    return np.zeros(shape, dtype=np.int64)


def fitted(book: Book, labels: Labels, shape: tuple[int, ...], kind: str) -> Ints:
    """The scales (signs) in a shape of labels; along dimensions that are inert there they are tied."""
    symbols = getattr(labels, kind)
    for dim, size in enumerate(shape):
        if size == 1 < symbols.shape[dim]:
            first = symbols.take([0], axis=dim)
            getattr(book, kind).tie(symbols, first, f"shared at {book.where}")
            symbols = first
    return np.broadcast_to(symbols, shape)


def _diagonal(call: Call, stored: Stored, index: int) -> Labels:
    """x * parameter: the parameter takes the ratio of the new and the old scale, and both signs."""
    other = call.label(1 - index, "input" if index else "other")
    if not isinstance(other, Labels) or call.in_place:
        raise Unsupported("a parameter that multiplies in place")
    tensor = stored.tensor
    shape = (1,) * (call.out.ndim - tensor.ndim) + tuple(tensor.shape)
    wide = {dim for dim, size in enumerate(shape) if size > 1}
    into = lead(other, call.out.ndim)
    if into.varies() - wide:
        raise Unsupported("a parameter that multiplies several channels at once")
    into = full_on(into, tuple(call.out.shape), wide)
    free = call.book.fresh(into.shape, ("scale", "sign"))
    axis = Axis(into.perm, up=free.scale, down=into.scale, signs=(into.sign, free.sign))
    stored.emit(call.book, [axis.map(lambda a: a.reshape(tensor.shape))])
    return Labels(into.perm, free.scale, free.sign)


@register(*QUOTIENTS)
def quotient(call: Call) -> Any:
    """The divisor must be plain: its scale and sign freeze."""
    if isinstance(weight := call.found(0, "input"), Stored) and not isinstance(
        call.value(1, "other"), Tensor
    ):
        return multiple(weight, call.out)
    a, b = operands(call)
    if a is None:
        return pointwise(_swapped(call), homogeneous=False, odd=False)
    if b is None:
        return a
    order = tie_order(call, a, b).perm
    call.book.freeze(b, "divisor", ("scale", "sign"))
    scale, sign = (fitted(call.book, a, order.shape, kind) for kind in ("scale", "sign"))
    return Labels(order, scale, sign)


@register("rdiv")
def reversed_quotient(call: Call) -> Labels:
    """number / x, which tensors write as a method of the divisor."""
    return pointwise(call, homogeneous=False, odd=False)


def _swapped(call: Call) -> Call:
    return replace(call, args=call.args[::-1], arg_labels=call.arg_labels[::-1])


@register(torch.mean, "mean", torch.sum, "sum")
def linear_reduction(call: Call) -> Labels:
    """Sums over positions pass everything; sums over all channels forget their order and tie their scales."""
    return reduced(call, call.labels())


@register(torch.amax, "amax", torch.amin, "amin")
def extreme_reduction(call: Call) -> Labels:
    """As sums, but not odd."""
    return reduced(call, pointwise(call, homogeneous=True, odd=False))


@register(torch.max, "max", torch.min, "min")
def extreme(call: Call) -> Any:
    """Of everything, or along dimensions without channels: then the places of the extremes come with them."""
    if isinstance(call.value(1, "other"), Tensor):
        return extremum(call)
    if isinstance(call.out, Tensor):
        return extreme_reduction(call)
    values = pointwise(replace(call, out=call.out[0]), homogeneous=True, odd=False)
    found = reduced(replace(call, out=call.out[0]), values)
    zeros = np.zeros_like(found.perm)
    return found, Labels(found.perm, zeros, zeros)


@register("norm", "linalg_norm", "linalg_vector_norm")
def length(call: Call) -> Labels:
    """|x| is homogeneous and does not see signs; summed over channels it does not see their order."""
    return reduced(call, pointwise(call, homogeneous=True, odd=False, even=True), call.value(2, "dim"))


@register(torch.std, "std", torch.var, "var")
def spread(call: Call) -> Labels:
    """Over channels they share one sign, which vanishes; variances would square a scale."""
    deviation = "std" in call.name
    if not deviation:
        call.book.freeze(call.labels(), "a variance squares scales", ("scale",))
    dim = call.value(1, "dim")
    found = reduced(call, call.labels(), None if isinstance(dim, bool) else dim)
    zeros = np.zeros_like(found.perm)
    return Labels(found.perm, found.scale if deviation else zeros, zeros)


def reduced(call: Call, labels: Labels, dims: Any = ...) -> Labels:
    """Labels of a tensor without some of its dimensions (default: those that the call names)."""
    x = call.tensor()
    dims = call.value(1, "dim") if dims is ... else dims
    dims = range(x.ndim) if dims is None else [dims] if isinstance(dims, int) else dims
    gone = {d % x.ndim for d in dims} if x.ndim else set()
    labels = _summed(call.book, labels, gone)
    if call.out.ndim < x.ndim:
        return labels.map(lambda a: a.reshape([s for d, s in enumerate(a.shape) if d not in gone]))
    return labels


def _summed(book: Book, labels: Labels, gone: Collection[int]) -> Labels:
    """One symbol along the dimensions that are summed; the order along them does not matter to a sum of all."""
    if not (over := labels.varies() & set(gone)):
        return labels
    if over == labels.varies():
        free = Labels(np.zeros_like(labels.perm), labels.scale, labels.sign)
        return book.collapse(free, ())
    raise Unsupported("reduced over a part of the channels")
