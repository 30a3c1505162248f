"""The owner's secret, and how it is kept: safetensors and JSON, never a pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ownmark.contracts.weights import read_tensors, write_tensors
from ownmark.errors import UntrustedFile


@dataclass(frozen=True)
class Key:
    """What verifies a mark.

    Args:
        scheme: id of the scheme it belongs to.
        tensors: triggers, projections, passports, extractor weights ... by name.
        values: everything else, JSON-ready (layer names, message text, target class).
    """

    scheme: str
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    def add(self, tensors: Mapping[str, Tensor] | None = None, **values: Any) -> Key:
        """This key with more material, for what is born while embedding."""
        tensors = {**self.tensors, **{k: v.detach().clone() for k, v in (tensors or {}).items()}}
        return replace(self, tensors=tensors, values={**self.values, **values})

    def to(self, device: torch.device | str) -> Key:
        """The same key with its tensors on another device."""
        return replace(self, tensors={name: tensor.to(device) for name, tensor in self.tensors.items()})

    def digest(self) -> str:
        """SHA-256 over everything in the key; equal keys, equal digests."""
        state = hashlib.sha256(f"[{json.dumps(self.scheme)}, {self.written()}]".encode())
        for name in sorted(self.tensors):
            tensor = self.tensors[name].detach().cpu().contiguous()
            state.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)}".encode())
            state.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
        return state.hexdigest()

    def save(self, path: Path) -> None:
        """Write the key to one `.safetensors` file."""
        write_tensors(path, self.tensors, {"ownmark": "key", "scheme": self.scheme, "values": self.written()})

    def written(self) -> str:
        """The values as JSON.

        Raises:
            TypeError: one of them cannot be written so; says which.
        """
        for name, value in self.values.items():
            try:
                json.dumps(value)
            except (TypeError, ValueError) as error:
                raise TypeError(
                    f"the key's value {name!r} is a {type(value).__name__} and cannot be written as JSON ({error}); "
                    "put tensors into `tensors`, and plain numbers, text and lists into `values`"
                ) from error
        return json.dumps(dict(self.values), sort_keys=True)

    @classmethod
    def load(cls, path: Path) -> Key:
        """Read a key written by `save`.

        Raises:
            UntrustedFile: the file is a pickle, damaged, or holds something else.
        """
        tensors, header = read_tensors(path, "key")
        try:
            return cls(header["scheme"], tensors, dict(json.loads(header["values"])))
        except (KeyError, ValueError, TypeError) as error:
            raise UntrustedFile(f"{path}: a key without a readable header ({error})") from error
