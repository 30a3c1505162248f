"""LSTM, GRU and plain RNN, as modules and as cells (sheet 1.7).

Gates are stacked in `weight_ih` [gates * H, in] and `weight_hh` [gates * H, H]. The order of the hidden units moves
in every gate; a unit's sign flips only the gate that goes through tanh into the state. Only rectified plain networks
have scales.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from ownmark_invariance.grouping.book import Book, Layer
from ownmark_invariance.grouping.errors import Unsupported
from ownmark_invariance.grouping.labels import Axis, Labels, along, consumed
from ownmark_invariance.grouping.parameters import Ref, record
from ownmark_invariance.grouping.rules import Call, register

FLIPS = {"LSTM": (0, 0, 1, 0), "GRU": (0, 0, 1), "RNN": (1,)}
"""Gate order i, f, g, o and r, z, n: the gates whose rows change sign with the unit."""


def _kind(module: nn.Module) -> str:
    return next(name for name in FLIPS if type(module).__name__.startswith(name))


def _rectified(module: Any) -> bool:
    return _kind(module) == "RNN" and bool(module.nonlinearity == "relu")


def _flips(module: Any) -> tuple[int, ...]:
    return (0,) if _rectified(module) else FLIPS[_kind(module)]


def _layer(book: Book, owner: nn.Module, path: str, suffix: str, into: Labels, hidden: Labels) -> None:
    """Record the four tensors of one layer and direction; labels [in] and [H]."""
    flips = _flips(owner)
    gates = np.concatenate([hidden.sign * flip for flip in flips])
    order = np.tile(hidden.perm, len(flips))
    factors = np.tile(hidden.scale, len(flips))
    rows = Axis(order[:, None], up=factors[:, None], signs=(gates[:, None],))
    flat = Axis(order, up=factors, signs=(gates,))
    record(book, Ref(owner, path, f"weight_ih{suffix}"), [rows, consumed(into, lambda a: a[None, :])])
    record(book, Ref(owner, path, f"weight_hh{suffix}"), [rows, consumed(hidden, lambda a: a[None, :])])
    for name in ("bias_ih", "bias_hh"):
        record(book, Ref(owner, path, f"{name}{suffix}"), [flat])


def _last(hidden: Labels, ndim: int) -> Labels:
    """One-dimensional labels on the last of `ndim` dimensions."""
    return hidden.map(lambda a: along(a, ndim - 1, ndim))


def _states(call: Call, index: int, name: str) -> list[Labels]:
    given = call.label(index, name)
    if given is None:
        return []
    return [given] if isinstance(given, Labels) else [g for g in given if isinstance(g, Labels)]


def _hidden(book: Book, module: Any) -> Labels:
    return book.fresh((module.hidden_size,), ("perm", "scale" if _rectified(module) else "sign"))


@register(nn.LSTMCell, nn.GRUCell, nn.RNNCell)
def cell(call: Call) -> Any:
    """One step; the state that goes in has the labels of the one that comes out."""
    module: Any = call.module
    x = call.tensor()
    into = call.book.channels(call.labels(), x.ndim - 1, x.shape[-1])
    hidden = _hidden(call.book, module)
    _layer(call.book, module, call.name, "", into, hidden)
    for state in _states(call, 1, "hx"):
        call.book.tie(state, _last(hidden, len(state.shape)))
    call.book.layers.append(Layer(call.name, type(module).__name__, hidden))
    out = _last(hidden, x.ndim)
    return (out, out) if isinstance(call.out, tuple) else out


@register(nn.LSTM, nn.GRU, nn.RNN)
def recurrent(call: Call) -> Any:
    """Stacked and bidirectional layers; each layer and direction has its own hidden units."""
    module: Any = call.module
    if getattr(module, "proj_size", 0):
        raise Unsupported("projected hidden states")
    x = call.tensor()
    into = call.book.channels(call.labels(), x.ndim - 1, x.shape[-1])
    units: list[Labels] = []
    for layer in range(module.num_layers):
        made = [_hidden(call.book, module) for _ in range(2 if module.bidirectional else 1)]
        for suffix, hidden in zip(("", "_reverse"), made, strict=False):
            _layer(call.book, module, call.name, f"_l{layer}{suffix}", into, hidden)
        into = _concatenated(made)
        units += made
    call.book.layers.append(Layer(call.name, type(module).__name__, _concatenated(units)))
    return _outputs(call, into, units)


def _concatenated(parts: list[Labels]) -> Labels:
    return Labels(*(np.concatenate([getattr(p, k) for p in parts]) for k in ("perm", "scale", "sign")))


def _outputs(call: Call, last: Labels, units: list[Labels]) -> Any:
    """(output [.., D*H], state) with the state [layers * directions, (batch,) H], a pair for an LSTM."""
    output, state = call.out
    ndim = output.ndim
    count = len(units)
    stacked = _concatenated(units).map(lambda a: a.reshape((count,) + (1,) * (ndim - 2) + (-1,)))
    for given in _states(call, 1, "hx"):
        call.book.tie(given, stacked)
    return _last(last, ndim), (stacked, stacked) if isinstance(state, tuple) else stacked
