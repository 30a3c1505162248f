"""Products of two computed tensors: attention written out, as a function, and nn.MultiheadAttention.

Channels of one head are summed against each other (q with k), so they share one order and one sign, and no scale;
heads move as blocks.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ownmark_invariance.grouping.book import Book, Layer
from ownmark_invariance.grouping.errors import Unsupported
from ownmark_invariance.grouping.labels import Labels, along, consumed, literal, produced
from ownmark_invariance.grouping.parameters import Ref, record
from ownmark_invariance.grouping.rules import Call, Stored, register
from ownmark_invariance.grouping.symbols import Ints


@register(torch.matmul, "matmul", torch.bmm, "bmm", operator.matmul)
def matrix_product(call: Call) -> Labels:
    """[..., n, d] @ [..., d, m]: either d are channels (scores), or they are positions (weighted values)."""
    if any(isinstance(side, Stored) for side in call.arg_labels):
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
    if not isinstance(stored, Stored) or stored.ref.tensor is None or stored.ref.tensor.ndim != 2:
        raise Unsupported("matrix product with a parameter on the left")
    x = call.tensor()
    into = call.book.channels(call.labels(), x.ndim - 1, x.shape[-1])
    out = call.book.fresh((call.out.shape[-1],))
    rows, columns = consumed(into, lambda a: a[:, None]), produced(out, lambda a: a[None, :])
    record(call.book, stored.ref, [rows, columns])
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
    """softmax(q k' / sqrt d) v with a mask that no channel depends on."""
    mask = call.label(3, "attn_mask")
    if (
        (isinstance(mask, Labels) and mask.varies())
        or call.kwargs.get("enable_gqa")
        or call.value(4, "dropout_p", 0.0)
    ):
        raise Unsupported("attention with grouped queries, dropout or a mask per head")
    q, k, v = (call.labels(i, name) for i, name in enumerate(("query", "key", "value")))
    return attend(call.book, q, k, v)


def attend(book: Book, q: Labels, k: Labels, v: Labels) -> Labels:
    """Labels of the attended values; all of shape [..., heads, tokens, features] with inert tokens."""
    ndim = len(q.shape)
    q, k, v = (book.collapse(side, set(range(ndim)) - {ndim - 2}) for side in (q, k, v))
    scores = _scores(book, q, k.map(lambda x: np.swapaxes(x, -1, -2)))
    return _weighted(book, scores, v)


@register(nn.MultiheadAttention)
def multihead(call: Call) -> Any:
    """in_proj_weight [3D, D] holds q, k, v one below the other; out_proj is a linear layer."""
    module: Any = call.module
    if not module._qkv_same_embed_dim or module.bias_k is not None or module.add_zero_attn:
        raise Unsupported("attention with extra keys or with widths of their own")
    weights = call.out[1]
    if weights is not None and weights.ndim == 4:
        raise Unsupported("attention weights per head are returned")
    book, width, heads = call.book, module.embed_dim, module.num_heads
    into = [
        book.channels(call.labels(i, n), call.value(i, n).ndim - 1, width)
        for i, n in enumerate(("query", "key", "value"))
    ]
    for other in into[1:]:
        book.tie(into[0], other)
    rows = book.fresh((3 * width,))
    record(
        book,
        Ref(module, call.name, "in_proj_weight"),
        [produced(rows, lambda a: a[:, None]), consumed(into[0], lambda a: a[None, :])],
    )
    record(book, Ref(module, call.name, "in_proj_bias"), [produced(rows, lambda a: a)])
    q, k, v = (rows.map(lambda a, i=i: a.reshape(3, heads, 1, -1)[i]) for i in range(3))  # type: ignore[misc]
    inner = attend(book, q, k, v).map(lambda a: a.reshape(-1))
    out = book.fresh((width,))
    record(
        book,
        Ref(module.out_proj, f"{call.name}.out_proj", "weight"),
        [produced(out, lambda a: a[:, None]), consumed(inner, lambda a: a[None, :])],
    )
    record(book, Ref(module.out_proj, f"{call.name}.out_proj", "bias"), [produced(out, lambda a: a)])
    book.layers += [
        Layer(call.name, "MultiheadAttention", rows),
        Layer(f"{call.name}.out_proj", "Linear", out),
    ]
    ndim = call.out[0].ndim
    labelled = out.map(lambda a: along(a, ndim - 1, ndim))
    return labelled, None if weights is None else Labels(*(np.zeros((1,) * weights.ndim, np.int64),) * 3)
