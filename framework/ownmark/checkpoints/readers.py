"""Readers of one kind of file each; they run in a limited process, and run nothing that a file holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def pickle(path: Path) -> Any:
    """A checkpoint of `torch.save`: tensors, containers and numbers, and no other class.

    Raises:
        ValueError: it asks for anything else.
    """
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        first = str(error).split("\n", 1)[0]
        wanted = _global(str(error))
        if wanted:
            raise ValueError(
                f"this file holds code or a whole object ({wanted}), which is not run; save the network's state_dict() "
                "instead"
            ) from None
        raise ValueError(f"not a readable checkpoint ({first[:200]})") from None


def _global(text: str) -> str:
    """The class or function that a refused pickle asked for."""
    import re

    found = re.search(r"(?:GLOBAL|global|class|function|REDUCE)\s+([\w.]+\.[\w.]+)", text)
    return found[1] if found else ("something" if "weights_only" in text.lower() else "")


def torchscript(path: Path) -> Mapping[str, Any]:
    """Parameters and buffers of a TorchScript archive; its code is not loaded."""
    from ownmark.checkpoints.scripted import read_script

    return read_script(path)


def export(path: Path) -> Mapping[str, Any]:
    """Parameters and buffers of a `torch.export` archive; its graph is not loaded."""
    from ownmark.checkpoints.exported import read_export

    return read_export(path)


def onnx(path: Path) -> Mapping[str, Any]:
    """Initialisers of an ONNX file.

    Raises:
        ValueError: `onnx` is not installed, or the file is none.
    """
    import torch

    try:
        import onnx as library
        from onnx import numpy_helper
    except ImportError:
        raise ValueError("reading ONNX takes the package onnx: pip install 'ownmark[onnx]'") from None
    try:
        model = library.load(str(path), load_external_data=False)
    except Exception as error:
        raise ValueError(f"not a readable ONNX file ({str(error)[:200]})") from None
    found = {}
    for one in model.graph.initializer:
        if one.data_location == library.TensorProto.EXTERNAL:
            raise ValueError("its weights lie in another file; save it as one file")
        found[one.name] = torch.from_numpy(numpy_helper.to_array(one).copy())
    return found
