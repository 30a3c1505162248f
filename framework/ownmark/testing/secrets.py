"""Looking for a key where it must not be: in what is given away, shown or logged, and for networks in a key."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ownmark.contracts import Key

SHORTEST = 16
"""Entries, or characters, from which finding the same ones elsewhere is no coincidence."""
_MAGIC = {
    b"PK\x03\x04": "a zip archive, as torch.save writes",
    b"\x80\x02": "a pickle",
    b"\x80\x04": "a pickle",
}


def found_in(key: Key, tensors: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> Iterator[str]:
    """Names of key tensors that stand in other tensors, as they are or as numbers of another type.

    Args:
        own: tensors that anybody has, say the unmarked host's: a key may hold these.
    """
    known = {digest for tensor in own.values() for digest in [_bytes(tensor, torch.float32)]}
    for name, secret in key.tensors.items():
        if not _telling(secret) or _bytes(secret, torch.float32) in known:
            continue
        if any(
            _bytes(secret, other.dtype) in _bytes(other, other.dtype)
            for other in tensors.values()
            if other.numel()
        ):
            yield name


def _telling(tensor: Tensor) -> bool:
    return tensor.numel() >= SHORTEST and len(torch.unique(tensor.detach().cpu())) > 1


def _bytes(tensor: Tensor, dtype: torch.dtype) -> bytes:
    flat = tensor.detach().cpu().to(dtype).contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""


def values_in(key: Key, text: str, public: Collection[Any] = ()) -> Iterator[str]:
    """Names of key values that stand in a text: long words, and numbers that nobody guesses.

    Args:
        public: values that anybody knows who has the network, such as the names of its layers.
    """
    for name, value in _leaves(key.values):
        if value in public:
            continue
        shown = str(value)
        number = isinstance(value, int) and not isinstance(value, bool) and value >= 2**16
        if (number or (isinstance(value, str) and len(shown) >= 8)) and shown in text:
            yield name


def _leaves(values: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from _leaves(value, f"{prefix}.{name}" if prefix else str(name))
    elif isinstance(values, list | tuple):
        for position, value in enumerate(values):
            yield from _leaves(value, f"{prefix}.{position}")
    else:
        yield prefix, values


def share_held(key: Key, state: Mapping[str, Tensor]) -> float:
    """Share of a network's weights, by number, that stand in the key as they are."""
    held = b"".join(_bytes(tensor, torch.float32) for tensor in key.tensors.values())
    weights = {
        name: tensor for name, tensor in state.items() if tensor.is_floating_point() and _telling(tensor)
    }
    total = sum(tensor.numel() for tensor in weights.values())
    inside = sum(tensor.numel() for tensor in weights.values() if _bytes(tensor, torch.float32) in held)
    return inside / total if total else 0.0


def packed_in(key: Key) -> Iterator[str]:
    """Key material that is a file: a pickle or an archive, as bytes or as text."""
    for name, tensor in key.tensors.items():
        start = (
            _bytes(tensor.reshape(-1)[:8], torch.uint8) if tensor.dtype in (torch.uint8, torch.int8) else b""
        )
        yield from (f"{name} ({what})" for magic, what in _MAGIC.items() if start.startswith(magic))
    for name, value in _leaves(key.values):
        if (
            isinstance(value, str)
            and len(value) > 64
            and value.startswith(("gAS", "gAJ", "UEsDB", "80049", "504b0304"))
        ):
            yield f"{name} (a file as text)"
