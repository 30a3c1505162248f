"""From a path to named tensors, by what the file is and not by what it is called."""

from __future__ import annotations

import hashlib
import json
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ownmark.checkpoints.limited import SECONDS, unpacked
from ownmark.checkpoints.nesting import chosen
from ownmark.contracts.weights import read_tensors
from ownmark.errors import UntrustedFile
from ownmark.foreign import holds, shown

INDEX = ".index.json"
FOLDER = ("model.safetensors", "pytorch_model.bin", "model.pt", "model.pth", "model.ckpt", "model.onnx")
"""What is looked for in a folder, first match first, each also with an index."""
LARGEST_INDEX, SHARDS = 2**24, 1000
"""At most: bytes of an index, files that it names."""


@dataclass(frozen=True)
class Checkpoint:
    """Tensors of a file, floating point ones in float32.

    Args:
        tensors: by name. kind: of the file, in words. taken: the entry of the file that was used (`ema`), or empty.
        left: other entries that may hold a network.
    """

    tensors: Mapping[str, Tensor]
    kind: str
    taken: str = ""
    left: tuple[str, ...] = ()


def read_weights(path: Path) -> Checkpoint:
    """Read a weights file, or a folder that holds one.

    Raises:
        UntrustedFile: missing, damaged, of no known kind, or with something in it that is no weights.
    """
    path = weights_file(path)
    kind = kind_of(path)
    if kind == "safetensors":
        tensors = read_tensors(path)[0]
        if not tensors:
            raise UntrustedFile(f"{path}: holds no tensors")
        return Checkpoint(_plain(tensors), kind)
    if kind == "index":
        return _sharded(path)
    found = unpacked(path, kind)
    tensors, taken, left = chosen(found, path)
    return Checkpoint(_plain(tensors), kind, taken, left)


def kind_of_file(path: Path) -> str:
    """As `kind_of`, of the weights file in a folder too.

    Raises:
        UntrustedFile: none of them.
    """
    return kind_of(weights_file(path))


def kind_of(path: Path) -> str:
    """What a file is: safetensors, index, pickle, torchscript, export or onnx.

    Raises:
        UntrustedFile: none of them.
    """
    if not path.is_file():
        raise UntrustedFile(f"{path}: no such file")
    if path.name.endswith(INDEX):
        return "index"
    if path.suffix == ".safetensors":
        return "safetensors"
    with path.open("rb") as file:
        start = file.read(16)
    if zipfile.is_zipfile(path):
        return _archive(path)
    if path.suffix == ".onnx":
        return "onnx"
    if start[:1] == b"\x80":
        return "pickle"
    if start[8:9] == b"{":
        return "safetensors"
    raise UntrustedFile(
        f"{path}: no weights file that is known (safetensors, a checkpoint of torch, TorchScript, torch.export, ONNX); "
        "save the state dict with torch.save or safetensors.torch.save_file"
    )


def digest_of(path: Path) -> str:
    """SHA-256 of a weights file; of a folder or an index, of all weights files in it."""
    path = weights_file(path)
    paths = [path]
    if path.name.endswith(INDEX):
        paths += [path.parent / name for name in _shards(path)[0]]
    state = hashlib.sha256()
    for one in paths:
        with one.open("rb") as file:
            while part := file.read(2**20):
                state.update(part)
    return state.hexdigest()


def weights_file(path: Path) -> Path:
    """The path, or the weights file in the folder.

    Raises:
        UntrustedFile: there is none.
    """
    if not path.is_dir():
        if not path.is_file():
            raise UntrustedFile(f"{path}: no such file")
        return path
    for name in FOLDER:
        for candidate in (path / name, path / f"{name}{INDEX}"):
            if candidate.is_file():
                return _within(path, candidate.name)
    raise UntrustedFile(f"{path}: holds no weights file; looked for {', '.join(FOLDER)}")


def _within(folder: Path, name: str) -> Path:
    """A file of a folder, which may have come from anywhere.

    Raises:
        UntrustedFile: the name leads out of it, or to nothing.
    """
    if Path(name).name != name or not holds(folder, name):
        raise UntrustedFile(f"{folder}: {shown(name, 80)} is no file in it")
    return folder / name


def _archive(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            whole = archive.namelist()
            names = [name.partition("/")[2] for name in whole]
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise UntrustedFile(f"{path}: damaged ({shown(error)})") from error
    if any(name.endswith(".npy") for name in whole):
        raise UntrustedFile(f"{path}: arrays of numpy; save them with safetensors.numpy.save_file")
    if any(name.startswith(("data/weights/", "models/")) for name in names):
        return "export"
    if any(name.startswith("code/") for name in names) or "constants.pkl" in names:
        return "torchscript"
    return "pickle"


def _shards(index: Path) -> tuple[list[str], set[str]]:
    """Files that an index names, and tensors that are in them."""
    try:
        if index.stat().st_size > LARGEST_INDEX:
            raise ValueError("too large")
        about: Any = json.loads(index.read_text(encoding="utf-8"))
        names = sorted({str(name) for name in about["weight_map"].values()})
        if len(names) > SHARDS:
            raise ValueError(f"{len(names):,} files, at most {SHARDS:,}")
        return names, set(about["weight_map"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UntrustedFile(f"{index}: no index of weights files ({shown(error)})") from error


def _sharded(index: Path) -> Checkpoint:
    tensors: dict[str, Tensor] = {}
    until = time.monotonic() + SECONDS
    names, promised = _shards(index)
    for name in names:
        part = _within(index.parent, name)
        if part.name.endswith(INDEX):
            raise UntrustedFile(f"{index}: names another index")
        if kind_of(part) != "safetensors" and time.monotonic() > until:
            raise UntrustedFile(f"{index}: reading its files took more than {SECONDS:g} s; it was given up")
        tensors |= read_weights(part).tensors
    if lacking := sorted(promised - set(tensors)):
        told = shown(", ".join(lacking), 120)
        raise UntrustedFile(f"{index}: {len(lacking)} of its tensors are in none of its files: {told}")
    return Checkpoint(tensors, "sharded")


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Half and double precision as float32, which is what networks compute in here."""
    return {
        name: tensor.to(torch.float32) if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }
