"""Signs that the caller dictates, for overwriting at no cost (sheet 1.8), and why a network may not allow them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from ownmark_invariance.grouping.errors import CannotTransform
from ownmark_invariance.grouping.groups import Groups
from ownmark_invariance.grouping.symbols import FROZEN, Ints


def given_signs(groups: Groups, sign: Ints, given: Mapping[str, Tensor]) -> Ints:
    """Overwrite drawn signs by given ones, or say which layer does not allow them and why."""
    sign, fixed = sign.copy(), np.zeros(groups.sign.count, dtype=np.int64)
    for name, values in given.items():
        symbols = _sign_symbols(groups, name)
        wanted = np.sign(np.asarray(values.detach().cpu().double())).astype(np.int64).ravel()
        if wanted.shape != symbols.shape or not wanted.all():
            raise CannotTransform(
                f"layer '{name}' takes {symbols.size} signs of +1 or -1, got {tuple(values.shape)}"
            )
        cls = groups.sign.of[symbols]
        frozen = (cls == FROZEN) & (wanted < 0)
        if frozen.any():
            why = groups.sign.reason(symbols[frozen])
            raise CannotTransform(
                f"layer '{name}': the sign of neuron {int(np.argmax(frozen))} is fixed: {why}"
            )
        fixed[cls[fixed[cls] == 0]] = wanted[fixed[cls] == 0]
        if (wrong := np.flatnonzero((fixed[cls] != wanted) & (cls != FROZEN))).size:
            raise CannotTransform(_conflict(groups, name, symbols, int(wrong[0])))
    live = fixed != 0
    live[FROZEN] = False
    sign[live] = fixed[live]
    return sign


def _sign_symbols(groups: Groups, name: str) -> Ints:
    for layer in groups.layers:
        if layer.name == name:
            return layer.out.sign if layer.into is None else layer.into.sign
    known = ", ".join(layer.name for layer in groups.layers)
    raise CannotTransform(f"there is no layer '{name}' with signs; there are {known}")


def _conflict(groups: Groups, name: str, symbols: Ints, wrong: int) -> str:
    cls = groups.sign.of[symbols[wrong]]
    why = [reason for tied, reason in groups.sign_ties if (groups.sign.of[tied] == cls).any()]
    reason = why[0] if why else "other layers share these signs"
    return f"layer '{name}': neuron {wrong} cannot have a sign of its own: {reason}"
