"""Which tensors of a checkpoint are the network's: people save them under `state_dict`, `model`, `ema` and more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from ownmark.errors import UntrustedFile
from ownmark.foreign import shown

WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "module", "params",
            "ema", "ema_state_dict", "state_dict_ema", "model_ema", "params_ema")  # fmt: skip
"""Entries that hold a network, first match first: the network that was trained before its average."""
SEPARATOR = "\x1f"
"""Between the steps of a path in a checkpoint; names of tensors have dots in them."""


def chosen(found: Mapping[str, Tensor], path: Path) -> tuple[dict[str, Tensor], str, tuple[str, ...]]:
    """The network's tensors, the entry that they were under, and the entries that might have been it.

    Args:
        found: tensors by their path in the file, its steps separated by `SEPARATOR`.

    Raises:
        UntrustedFile: no tensors, or none that could be a network's.
    """
    taken: list[str] = []
    left: list[str] = []
    rest = dict(found)
    while rest:
        names = {name.partition(SEPARATOR)[0] for name in rest if SEPARATOR in name}
        here = next((name for name in WRAPPERS if name in names), None)
        if here is None:
            break
        left += [".".join([*taken, name]) for name in WRAPPERS if name in names and name != here]
        taken.append(here)
        rest = {n.partition(SEPARATOR)[2]: t for n, t in rest.items() if n.startswith(here + SEPARATOR)}
    tensors = {name: tensor for name, tensor in rest.items() if name and SEPARATOR not in name}
    if not tensors:
        entries = sorted({name.partition(SEPARATOR)[0] for name in found if name})
        told = f"it has {shown(', '.join(entries), 120)}" if entries else "it has no tensors with names"
        raise UntrustedFile(f"{path}: no state dict is found in it, {told}; save the network's state_dict()")
    return tensors, ".".join(taken), tuple(left)
