"""Convolutions, linear layers and embeddings: they read one set of channels and write another (sheet 1.7)."""

from __future__ import annotations

import numpy as np
import torch.nn.functional as F
from torch import nn

from ownmark_invariance.grouping.book import Book, Layer, Role
from ownmark_invariance.grouping.errors import Unsupported
from ownmark_invariance.grouping.labels import Axis, Labels, along, consumed, produced
from ownmark_invariance.grouping.parameters import Ref, record
from ownmark_invariance.grouping.rules import Call, Stored, register
from ownmark_invariance.grouping.symbols import Ints

Bias = Ref | Stored | Labels | None
"""Where a bias lives, or the labels of one that is computed; None: there is none."""


@register(nn.Conv1d, nn.Conv2d, nn.Conv3d, F.conv1d, F.conv2d, F.conv3d)
def convolution(call: Call) -> Labels:
    """weight [out, in/groups, ...]; zero and other paddings keep scales, signs and channel order."""
    groups = getattr(call.module, "groups", None) or call.value(6, "groups", 1)
    return _convolve(call, groups, out_dim=0)


@register(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
@register(F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)
def transposed(call: Call) -> Labels:
    """weight [in, out/groups, ...]: the first two dimensions are swapped."""
    groups = getattr(call.module, "groups", None) or call.value(6, "groups", 1)
    return _convolve(call, groups, out_dim=1)


def _convolve(call: Call, groups: int, out_dim: int) -> Labels:
    weight, bias = call.ref("weight", 1), call.added("bias", 2)
    if weight is None:
        raise Unsupported("convolution without a weight")
    ndim = _weight_ndim(weight)
    channel = call.tensor().ndim - ndim + 1
    inside, outside = call.tensor().shape[channel], call.out.shape[channel]
    into = call.book.channels(call.labels(), channel, inside)
    if groups == inside == outside:
        free = call.book.fresh((outside,), ("scale", "sign"))
        out = Labels(into.perm, free.scale, free.sign)
        diagonal = Axis(into.perm, up=out.scale, down=into.scale, signs=(into.sign, out.sign))
        record(call.book, weight, [diagonal.map(lambda a: along(a, 0, ndim))])
    else:
        out = call.book.fresh((outside,))
        role: Role = "dense" if groups == 1 else "grouped"
        record(
            call.book, weight, _conv_axes(call.book, into, out, groups, out_dim, ndim), role, blocks=groups
        )
    return finish(call, out, bias, channel, call.out.ndim)


def _conv_axes(book: Book, into: Labels, out: Labels, groups: int, out_dim: int, ndim: int) -> list[Axis]:
    rows = produced(out, lambda a: along(a, out_dim, ndim))
    columns = consumed(into, lambda a: along(a, 1 - out_dim, ndim))
    if groups > 1:
        book.block(
            [(into.perm, block_of(into.perm.size, groups)), (out.perm, block_of(out.perm.size, groups))]
        )
    return [rows, columns] if out_dim == 0 else [columns, rows]


def block_of(size: int, blocks: int) -> Ints:
    """The block of each of `size` channels in `blocks` equal runs."""
    return np.arange(size, dtype=np.int64) // (size // blocks)


def _weight_ndim(weight: Ref | Stored) -> int:
    if isinstance(weight, Stored):
        return weight.tensor.ndim
    for suffix in ("", "_orig", "_v", ".original", ".original1"):
        name = f"parametrizations.{weight.name}" if suffix.startswith(".") else weight.name
        found = Ref(weight.owner, weight.path, name).stored(suffix)
        if found is not None and found.tensor is not None:
            return found.tensor.ndim
    raise Unsupported(f"'{weight.path}.{weight.name}' is not stored in a form the engine knows")


def finish(call: Call, out: Labels, bias: Bias, dim: int, ndim: int) -> Labels:
    """Record the bias and the report's line; the labels of the output, channels on `dim`."""
    if isinstance(bias, Labels):
        call.book.tie(out, call.book.channels(bias, 0, out.perm.size))
    elif bias is not None:
        record(call.book, bias, [produced(out, lambda a: a)])
    call.book.layers.append(Layer(call.name, _kind(call), out))
    return out.map(lambda a: along(a, dim, ndim))


def _kind(call: Call) -> str:
    return type(call.module).__name__.removeprefix("Parametrized") if call.module is not None else call.name


@register(nn.Linear, F.linear)
def linear(call: Call) -> Labels:
    """weight [out, in] on the last dimension."""
    weight, bias = call.ref("weight", 1), call.added("bias", 2)
    if weight is None:
        raise Unsupported("linear layer without a weight")
    last = call.tensor().ndim - 1
    if (beside := call.labels().varies()) and last not in beside:
        return _over_places(call, weight, bias)
    into = call.book.channels(call.labels(), last, call.tensor().shape[-1])
    out = call.book.fresh((call.out.shape[-1],))
    rows, columns = produced(out, lambda a: a[:, None]), consumed(into, lambda a: a[None, :])
    record(call.book, weight, [rows, columns])
    return finish(call, out, bias, last, call.out.ndim)


def _over_places(call: Call, weight: Ref | Stored, bias: Bias) -> Labels:
    """A linear map of positions, the same for every channel (MLP-Mixer): the channels pass, the positions stay.

    A bias is added to all channels alike, so it allows no scale and no sign.
    """
    labels = call.labels()
    fixed = np.zeros((1, 1), dtype=np.int64)
    record(call.book, weight, [Axis(fixed, signs=(fixed,))])
    if isinstance(bias, Labels):
        call.book.freeze(bias, "a computed bias of positions")
        call.book.freeze(labels, "a bias that is the same for every channel", ("scale", "sign"))
    elif bias is not None and getattr(bias, "tensor", None) is not None:
        record(call.book, bias, [Axis(fixed[0], signs=(fixed[0],))])
        call.book.freeze(labels, "a bias that is the same for every channel", ("scale", "sign"))
    return labels


@register(nn.Embedding, F.embedding)
def embedding(call: Call) -> Labels:
    """weight [vocabulary, features]: an ordinary producer of its columns; its rows are tied to the input."""
    weight = call.ref("weight", 1)
    max_norm = getattr(call.module, "max_norm", None) if call.module else call.value(3, "max_norm")
    if weight is None or max_norm is not None:
        raise Unsupported("embedding that renormalises its weight")
    out = call.book.fresh((call.out.shape[-1],))
    fixed = np.zeros((_rows(weight), 1), dtype=np.int64)
    record(call.book, weight, [Axis(fixed, signs=(fixed,)), produced(out, lambda a: a[None, :])])
    return finish(call, out, None, call.out.ndim - 1, call.out.ndim)


def _rows(weight: Ref | Stored) -> int:
    if weight.tensor is None:
        raise Unsupported("an embedding that is not a plain parameter")
    return weight.tensor.shape[0]
