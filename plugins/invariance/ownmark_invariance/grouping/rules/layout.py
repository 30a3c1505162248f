"""Operations that only move elements: views, slices, concatenation, padding, shuffles."""

from __future__ import annotations

import operator
from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark_invariance.grouping.book import Book
from ownmark_invariance.grouping.errors import Unsupported
from ownmark_invariance.grouping.labels import Labels, spread
from ownmark_invariance.grouping.rules import Call, Kept, Stored, register
from ownmark_invariance.grouping.rules.stored import moved

LAYOUT: tuple[Hashable, ...] = (
    nn.Flatten, nn.Unflatten, nn.ChannelShuffle, nn.PixelShuffle, nn.PixelUnshuffle, torch.flatten, "flatten", "view",
    "reshape", torch.reshape, "unflatten", torch.permute, "permute", torch.transpose, "transpose", "swapaxes",
    torch.swapaxes, torch.movedim, "movedim", "t", torch.t, torch.squeeze, "squeeze", torch.unsqueeze, "unsqueeze",
    "expand", "expand_as", "repeat", torch.chunk, "chunk", torch.split, "split", torch.unbind, "unbind", torch.narrow,
    "narrow", "reshape_as", "view_as", "T", "mT", "H", "mH", "data", "ravel", torch.ravel, torch.adjoint, "adjoint",
    torch.moveaxis, "moveaxis", torch.swapdims, "swapdims", "tensor_split", torch.tensor_split, torch.hsplit,
    torch.vsplit, torch.dsplit, torch.broadcast_to, "broadcast_to", "unfold", torch.rot90, "rot90", torch.fliplr,
    torch.flipud, torch.atleast_3d, torch.unflatten, torch.select, "select", torch.flip, "flip", torch.roll, "roll",
    F.pixel_shuffle, F.pixel_unshuffle, F.channel_shuffle, torch.tile, "tile", torch.repeat_interleave,
    "repeat_interleave",
)  # fmt: skip


@register(*LAYOUT)
def layout(call: Call) -> Any:
    """Run the operation on element indices and read off where each channel went."""
    if isinstance(weight := call.found(), Stored) and not isinstance(weight, Kept):
        try:
            return _of_weight(call, weight)
        except Unsupported:
            pass  # element by element, then
    return rearrange(call, call.labels())


def _of_weight(call: Call, weight: Stored) -> Any:
    index = torch.arange(weight.tensor.numel()).reshape(weight.tensor.shape)
    found = call.again(index)
    if isinstance(call.out, Tensor):
        return moved(weight, call.out, found.numpy())
    return tuple(moved(weight, part, i.numpy()) for part, i in zip(call.out, found, strict=True))


@register(operator.getitem, "__getitem__")
def item(call: Call) -> Any:
    """An element of a tuple, or a slice of a tensor, also by an index that nothing computes."""
    labels = call.found()
    if not isinstance(labels, Stored) and by_value(call, call.args[1]) & call.labels().varies():
        raise Unsupported("channels picked by an index that is computed")
    return layout(call)


def by_value(call: Call, key: Any) -> set[int]:
    """The dimensions of the first argument that a key looks up with tensors that depend on input or weights."""
    keys = key if isinstance(key, tuple) else (key,)
    found: set[int] = set()
    ndim = call.tensor().ndim
    used = sum(k.ndim if isinstance(k, Tensor) and k.dtype == torch.bool else k is not None for k in keys)
    dim = 0
    for k in keys:
        wide = (
            ndim - used + 1 if k is ... else k.ndim if isinstance(k, Tensor) and k.dtype == torch.bool else 1
        )
        if isinstance(k, (Tensor, list, tuple)) and not call.constant(k):
            found |= set(range(dim, dim + wide))
        dim += wide * (k is not None)
    return found


@register("__setitem__")
def write(call: Call) -> Labels:
    """x[key] = y: what is written shares the labels of the places that it is written to."""
    key, new = call.args[1], call.args[2]
    if by_value(call, key) & call.labels().varies():
        raise Unsupported("written to channels picked by an index that is computed")
    labels = call.labels()
    places = rearrange(replace(call, out=call.tensor()[key], again=lambda t: t[key]), labels)
    if isinstance(new, Tensor):
        ndim = max(len(places.shape), new.ndim)
        sides = [
            s.map(lambda a: a.reshape((1,) * (ndim - a.ndim) + a.shape)) for s in (places, call.labels(2, ""))
        ]
        call.book.tie(*sides)
    elif new == 0:
        _whole(call, labels, places)
    else:
        _whole(call, labels, places)
        call.book.freeze(places, "a number is written", ("scale", "sign"))
    return labels


def _whole(call: Call, labels: Labels, places: Labels) -> None:
    """A number written to some channels only tells them from the others."""
    if set(places.perm.ravel().tolist()) != set(labels.perm.ravel().tolist()):
        call.book.freeze(places, "a number is written to some of the channels", ("perm",))


@register("index_select", torch.index_select)
def pick(call: Call) -> Any:
    """A constant index is a layout; any index does along a dimension without channels."""
    dim = call.value(1, "dim") % call.tensor().ndim
    if dim in call.labels().varies() and not call.constant(call.value(2, "index")):
        raise Unsupported("channels picked by an index that is computed")
    return rearrange(call, call.labels())


def rearrange(call: Call, labels: Labels) -> Any:
    """Labels of the result(s) of a layout operation on one tensor."""
    if labels.perm.size == 1:
        return _uniform(labels, call.out)
    shape = tuple(call.tensor().shape)
    channel = np.arange(labels.perm.size, dtype=np.int64).reshape(labels.shape)
    sizes = [1 if d in labels.varies() else size for d, size in enumerate(shape)]
    place = np.arange(int(np.prod(sizes)), dtype=np.int64).reshape(sizes)
    moved = [call.again(torch.from_numpy(a.copy()).expand(shape).contiguous()) for a in (channel, place)]
    if isinstance(call.out, Tensor):
        return _settle(call.book, labels, *moved)
    return tuple(_settle(call.book, labels, c, p) for c, p in zip(*moved, strict=True))


def _uniform(labels: Labels, out: Any) -> Any:
    if isinstance(out, Tensor):
        return labels.map(lambda a: a.reshape((1,) * out.ndim))
    return tuple(_uniform(labels, part) for part in out)


def _settle(book: Book, labels: Labels, channel: Tensor, place: Tensor) -> Labels:
    """Labels of one result, given the channel and the place that each of its elements came from."""
    for dim in range(channel.ndim):
        first = channel.narrow(dim, 0, 1) if channel.shape[dim] else channel
        if channel.shape[dim] > 1 and bool((channel == first).all()):
            channel, place = first, place.narrow(dim, 0, 1)
    source, tag = channel.numpy(), place.numpy()
    out = labels.map(lambda a: a.ravel()[source])
    book.move(labels, out.perm, source, tag - tag.ravel()[0] if tag.size else tag)
    return out


@register(torch.cat, torch.concat, torch.concatenate)
def concatenate(call: Call) -> Labels:
    """Channels are listed one after the other; joined positions (tokens) share their channels."""
    dim = call.value(1, "dim", 0) % call.out.ndim
    parts, values = _parts(call), call.value(0, "tensors")
    if any(dim in part.varies() for part in parts):
        parts = [call.book.collapse(part, {dim}) for part in parts]
    if any(part.varies() - {dim} for part in parts):
        for part in parts[1:]:
            call.book.tie(parts[0], part)
        return call.book.collapse(max(parts, key=lambda p: p.perm.size), _broad(parts) - {dim})
    return _join(call, [spread(p, tuple(v.shape), {dim}) for p, v in zip(parts, values, strict=True)], dim)


def _parts(call: Call) -> list[Labels]:
    found = call.arg_labels[0] if call.arg_labels else call.kwarg_labels["tensors"]
    parts = [part.labels(call.book) if isinstance(part, Stored) else part for part in found]
    if not all(isinstance(part, Labels) for part in parts):
        raise Unsupported("an argument is not a tensor the engine follows")
    return parts


def _broad(parts: list[Labels]) -> set[int]:
    return set().union(*(part.varies() for part in parts))


def _join(call: Call, parts: list[Labels], dim: int) -> Labels:
    out = Labels(*(np.concatenate(arrays, axis=dim) for arrays in zip(*map(_arrays, parts), strict=True)))
    for number, part in enumerate(parts):
        places = np.arange(part.perm.size).reshape(part.shape)
        own = [places if n == number else np.full(p.shape, -1) for n, p in enumerate(parts)]
        source = np.concatenate(own, axis=dim)
        call.book.move(part, out.perm, source, np.zeros_like(source))
    return out


def _arrays(labels: Labels) -> tuple[np.ndarray[Any, Any], ...]:
    return labels.perm, labels.scale, labels.sign


@register(torch.stack)
def stack(call: Call) -> Labels:
    """A concatenation along a new dimension."""
    dim = call.value(1, "dim", 0) % call.out.ndim
    parts = [part.map(lambda a: np.expand_dims(a, dim)) for part in _parts(call)]
    if all(
        np.array_equal(x, y)
        for part in parts[1:]
        for x, y in zip(_arrays(parts[0]), _arrays(part), strict=True)
    ):
        return parts[0]
    shape = np.broadcast_shapes(*(part.shape for part in parts))
    if any(part.shape != shape for part in parts):
        raise Unsupported("stacked tensors with different channels")
    return _join(call, parts, dim)


PADS = (nn.ConstantPad1d, nn.ConstantPad2d, nn.ConstantPad3d, nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d)
COPIES = (nn.ReflectionPad1d, nn.ReflectionPad2d, nn.ReflectionPad3d, nn.ReplicationPad1d, nn.ReplicationPad2d,
          nn.ReplicationPad3d, nn.CircularPad1d, nn.CircularPad2d, nn.CircularPad3d)  # fmt: skip


@register(F.pad, *PADS, *COPIES)
def pad(call: Call) -> Labels:
    """Padded positions leave the channels alone; padded channels are zeros and take any scale and sign."""
    amounts = call.module.padding if call.module is not None else call.value(1, "pad")
    labels, ndim = call.labels(), call.out.ndim
    pairs = [(0, 0)] * ndim
    for index in range(len(amounts) // 2):  # type: ignore[arg-type]
        pairs[ndim - 1 - index] = (int(amounts[2 * index]), int(amounts[2 * index + 1]))  # type: ignore[index]
    touched = {d for d, amount in enumerate(pairs) if amount != (0, 0)}
    constant = isinstance(call.module, PADS) or (
        call.module is None and call.value(2, "mode", "constant") == "constant"
    )
    if not touched & labels.varies():
        return _pad_places(call, labels, constant)
    if not constant or _fill(call) != 0 or any(low < 0 or high < 0 for low, high in pairs):
        raise Unsupported("channels padded with something other than zeros")
    return _pad_channels(call, labels, [pairs[d] if d in labels.varies() else (0, 0) for d in range(ndim)])


def _fill(call: Call) -> float:
    fill = getattr(call.module, "value", 0) if call.module is not None else call.value(3, "value", 0)
    return float(fill or 0)


def _pad_places(call: Call, labels: Labels, constant: bool) -> Labels:
    if constant and _fill(call) != 0:
        call.book.freeze(labels, "padded with a number", ("scale", "sign"))
    return labels


def _pad_channels(call: Call, labels: Labels, pairs: list[tuple[int, int]]) -> Labels:
    source = np.pad(np.arange(labels.perm.size).reshape(labels.shape), pairs, constant_values=-1)
    free = call.book.fresh(source.shape)
    out = Labels(
        *(
            np.where(source < 0, f, a.ravel()[source])
            for f, a in zip(_arrays(free), _arrays(labels), strict=True)
        )
    )
    call.book.move(labels, out.perm, source, np.zeros_like(source))
    return out
