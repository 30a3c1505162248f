"""Products of two computed tensors: attention written out, as a function, and nn.MultiheadAttention.

Channels of one head are summed against each other (q with k), so they share one order and one sign, and no scale;
heads move as blocks.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark_invariance.grouping.book import Book, Layer
from ownmark_invariance.grouping.errors import Unsupported
from ownmark_invariance.grouping.labels import Labels, along, consumed, inert, literal, produced
from ownmark_invariance.grouping.parameters import Ref, record
from ownmark_invariance.grouping.rules import Call, Kept, Stored, register
from ownmark_invariance.grouping.rules.arithmetic import lead, tied
from ownmark_invariance.grouping.symbols import Ints


@register(torch.matmul, "matmul", torch.bmm, "bmm", operator.matmul)
def matrix_product(call: Call) -> Labels:
    """[..., n, d] @ [..., d, m]: either d are channels (scores), or they are positions (weighted values)."""
    if any(isinstance(side, Stored) and not isinstance(side, Kept) for side in call.arg_labels):
        return _times_parameter(call)
    a, b = call.labels(0, "input"), call.labels(1, "other" if "mat2" not in call.kwargs else "mat2")
    if (
        call.value(0, "input").ndim != call.out.ndim
        or call.value(1, "other").ndim != call.out.ndim
        or a.perm.ndim < 3
    ):
        raise Unsupported("matrix product of tensors of different rank")
    ndim = call.out.ndim
    book = call.book
    if ndim - 1 in a.varies() or ndim - 2 in b.varies():
        return _scores(
            book,
            book.collapse(a, set(range(ndim)) - {ndim - 2}),
            book.collapse(b, set(range(ndim)) - {ndim - 1}),
        )
    return _weighted(book, a, b)


def _times_parameter(call: Call) -> Labels:
    stored = call.arg_labels[1]
    if not isinstance(stored, Stored) or stored.tensor.ndim != 2:
        raise Unsupported("matrix product with a parameter on the left")
    x = call.tensor()
    into = call.book.channels(call.labels(), x.ndim - 1, x.shape[-1])
    out = call.book.fresh((call.out.shape[-1],))
    rows, columns = consumed(into, lambda a: a[:, None]), produced(out, lambda a: a[None, :])
    record(call.book, stored, [rows, columns])
    call.book.layers.append(Layer(f"{stored.ref.path}.{stored.ref.name}", "matmul", out))
    return out.map(lambda a: along(a, call.out.ndim - 1, call.out.ndim))


def _scores(book: Book, a: Labels, b: Labels) -> Labels:
    """q k': sum over channels, whose order and sign both sides share; the result keeps only the heads."""
    flipped = b.map(lambda x: np.swapaxes(x, -1, -2))
    book.tie(a, flipped, ("perm", "sign"))
    for side in (a, b):
        book.freeze(side, "product of two tensors", ("scale",))
    heads = tuple(max(s, t) for s, t in zip(a.shape[:-2], b.shape[:-2], strict=True))
    out = (
        book.fresh((*heads, 1, 1), ("perm",))
        if max(heads) > 1
        else Labels(*(np.zeros((*heads, 1, 1), np.int64),) * 3)
    )
    if max(heads) > 1:
        ids = np.arange(int(np.prod(heads))).reshape(*heads, 1, 1)
        book.block([_spread(side.perm, ids) for side in (a, b, out)])
    return out


def _spread(symbols: Ints, ids: Ints) -> tuple[Ints, Ints]:
    shape = np.broadcast_shapes(symbols.shape, ids.shape)
    return np.broadcast_to(symbols, shape), np.broadcast_to(ids, shape)


def _weighted(book: Book, a: Labels, b: Labels) -> Labels:
    """Weights over positions times values: linear in the values; heads of both move together."""
    ndim = len(a.shape)
    inner_a, inner_b = a.varies() & {ndim - 2, ndim - 1}, b.varies() & {ndim - 2, ndim - 1}
    if inner_a and inner_b:
        raise Unsupported("matrix product with channels on both sides")
    values, weights = (a, b) if inner_a else (b, a)
    for kind in ("scale", "sign"):
        if not literal(getattr(weights, kind)):
            book.freeze(weights, "weights of a weighted sum", (kind,))
    heads = tuple(max(s, t) for s, t in zip(a.shape[:-2], b.shape[:-2], strict=True))
    if max(heads) > 1:
        ids = np.arange(int(np.prod(heads))).reshape(*heads, 1, 1)
        book.block([_spread(side.perm, ids) for side in (a, b)])
    shape = (*heads, *values.shape[-2:])
    return values.map(lambda x: np.broadcast_to(x, shape))


@register(F.scaled_dot_product_attention)
def attention_function(call: Call) -> Labels:
    """softmax(q k' / sqrt d + mask) v; what a mask tells apart does not change places."""
    if call.kwargs.get("enable_gqa") or call.value(4, "dropout_p", 0.0):
        raise Unsupported("attention with grouped queries or dropout")
    q, k, v = (call.labels(i, name) for i, name in enumerate(("query", "key", "value")))
    mask = None
    if isinstance(given := call.value(3, "attn_mask"), Tensor):
        mask = Mask(lead(call.labels(3, "attn_mask"), call.out.ndim), call.extent(given))
    return attend(call.book, q, k, v, mask)[0]


@dataclass(frozen=True)
class Mask:
    """What is added to scores [..., heads, queries, keys], and its true size."""

    labels: Labels
    size: tuple[int, ...]


def attend(book: Book, q: Labels, k: Labels, v: Labels, mask: Mask | None = None) -> tuple[Labels, Labels]:
    """Labels of the attended values, [..., heads, tokens, features] with inert tokens, and of the attention."""
    ndim = len(q.shape)
    q, k, v = (book.collapse(side, set(range(ndim)) - {ndim - 2}) for side in (q, k, v))
    scores = _scores(book, q, k.map(lambda x: np.swapaxes(x, -1, -2)))
    if mask is not None:
        book.freeze(mask.labels, "a mask of attention", ("scale", "sign"))
        scores = tied(book, (scores, scores.shape), (mask.labels, mask.size))
        scores = book.collapse(scores, range(ndim - 2))
    return _weighted(book, scores, v), scores


@register(nn.MultiheadAttention)
def multihead(call: Call) -> Any:
    """Queries, keys and values by three matrices, stored in one if they are alike; out_proj is a linear layer."""
    module: Any = call.module
    book, width, heads = call.book, module.embed_dim, module.num_heads
    given = [(call.labels(i, n), call.value(i, n)) for i, n in enumerate(("query", "key", "value"))]
    into = [book.channels(labels, x.ndim - 1, x.shape[-1]) for labels, x in given]
    rows = book.fresh((3 * width,))
    parts = [rows.map(lambda a, i=i: a.reshape(3, -1)[i]) for i in range(3)]  # type: ignore[misc]
    _projections(call, rows, parts, into)
    for name, part in (("bias_k", parts[1]), ("bias_v", parts[2])):
        record(book, Ref(module, call.name, name), [produced(part, lambda a: a[None, None, :])])
    q, k, v = (part.map(lambda a: a.reshape(heads, 1, -1)) for part in parts)
    attended, scores = attend(book, q, k, v, _mask(call, heads))
    inner = attended.map(lambda a: a.reshape(-1))
    out = book.fresh((width,))
    path = f"{call.name}.out_proj".lstrip(".")
    columns = consumed(inner, lambda a: a[None, :])
    record(book, Ref(module.out_proj, path, "weight"), [produced(out, lambda a: a[:, None]), columns])
    record(book, Ref(module.out_proj, path, "bias"), [produced(out, lambda a: a)])
    book.layers += [Layer(call.name, "MultiheadAttention", rows), Layer(path, "Linear", out)]
    ndim = call.out[0].ndim
    return out.map(lambda a: along(a, ndim - 1, ndim)), _returned(call.out[1], scores)


def _projections(call: Call, rows: Labels, parts: list[Labels], into: list[Labels]) -> None:
    module: Any = call.module
    if module._qkv_same_embed_dim:
        for other in into[1:]:
            call.book.tie(into[0], other)
        names, written, read = ["in_proj_weight"], [rows], into[:1]
    else:
        names, written, read = [f"{n}_proj_weight" for n in "qkv"], parts, into
    for name, out, labels in zip(names, written, read, strict=True):
        axes = [produced(out, lambda a: a[:, None]), consumed(labels, lambda a: a[None, :])]
        record(call.book, Ref(module, call.name, name), axes)
    record(call.book, Ref(module, call.name, "in_proj_bias"), [produced(rows, lambda a: a)])


def _mask(call: Call, heads: int) -> Mask | None:
    """A mask [batch * heads, queries, keys] tells heads apart, unless it is a constant that does not."""
    mask = call.value(5, "attn_mask")
    if not isinstance(mask, Tensor) or mask.ndim != 3:
        return None  # the same for every head
    wide = mask.reshape(-1, heads, *mask.shape[1:])
    alike = call.constant(mask) and bool((wide == wide[:, :1]).all())
    return Mask(inert(3), (1 if alike else heads, *mask.shape[1:]))


def _returned(weights: Tensor | None, scores: Labels) -> Labels | None:
    """The attention itself: averaged over heads, or [..., heads, queries, keys]."""
    if weights is None:
        return None
    if (
        weights.ndim == (scores.perm.ndim if scores.perm.shape[0] == 1 else 0)
        or weights.shape[-3] != scores.shape[0]
    ):
        return inert(weights.ndim)
    zeros = np.zeros_like(scores.perm)
    return Labels(scores.perm, zeros, zeros).map(lambda a: a.reshape((1,) * (weights.ndim - 3) + a.shape))
