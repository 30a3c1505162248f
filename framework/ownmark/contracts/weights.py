"""Weights on disk: safetensors only. Nothing is ever unpickled, a stranger's file least of all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from ownmark.errors import UntrustedFile

_PICKLES = (b"\x80", b"PK\x03\x04")  # pickle protocol >= 2; the zip archive that torch.save writes


def write_tensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> None:
    """Write named tensors with a text header; the caller renames the file into place."""
    from safetensors.torch import save_file

    save_file({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, path, dict(header))


def read_tensors(path: Path, what: str | None = None) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read named tensors and the header.

    Args:
        path: a `.safetensors` file.
        what: expected `ownmark` field of the header (`"key"`, `"model"`); None takes any safetensors file.

    Raises:
        UntrustedFile: missing, a pickle, damaged, or of another kind.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise UntrustedFile(f"{path}: no such file")
    try:
        with safe_open(path, framework="pt") as file:
            header = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise UntrustedFile(f"{path}: {_refusal(path, error)}") from error
    if what is not None and header.get("ownmark") != what:
        raise UntrustedFile(f"{path}: holds {header.get('ownmark', 'no ownmark data')!r}, expected a {what}")
    return tensors, header


def _refusal(path: Path, error: Exception) -> str:
    """Why a file is no safetensors. Asked afterwards, since one safetensors file in 32 begins with a pickle's byte."""
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(_PICKLES):
        return (
            "this is a pickle, which can run code when it is read; "
            "save the state dict with safetensors.torch.save_file instead"
        )
    return f"not a readable safetensors file ({error})"
