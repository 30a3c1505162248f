"""Tensors of a `torch.export` archive (`.pt2`): the list of weights in it and the bytes that it names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

TYPES = {
    1: torch.uint8, 2: torch.int8, 3: torch.int16, 4: torch.int32, 5: torch.int64, 6: torch.float16, 7: torch.float32,
    8: torch.float64, 12: torch.bool, 13: torch.bfloat16,
}  # fmt: skip
"""Numbers by which `torch.export` calls types of values."""


def read_export(path: Path) -> dict[str, Any]:
    """Tensors of the archive's only model, by name.

    Raises:
        ValueError: an archive without such a list; save it with torch 2.8 or later.
    """
    archive = torch._C.PyTorchFileReader(str(path))
    lists = [name for name in archive.get_all_records() if name.endswith("_weights_config.json")]
    if len(lists) != 1:
        raise ValueError(
            f"a torch.export archive with {len(lists)} lists of weights; save one model with torch 2.8 or later"
        )
    config = json.loads(archive.get_record(lists[0]))["config"]
    folder = lists[0].rpartition("/")[0]
    return {str(name): _tensor(archive, folder, about) for name, about in config.items()}


def _tensor(archive: Any, folder: str, about: Any) -> torch.Tensor:
    if about.get("use_pickle"):
        raise ValueError("one of its weights is a pickle, which is not read")
    meta = about["tensor_meta"]
    dtype = TYPES.get(meta["dtype"])
    if dtype is None:
        raise ValueError(f"values of type {meta['dtype']} are not known")
    size, stride = ([int(one["as_int"]) for one in meta[name]] for name in ("sizes", "strides"))
    content = bytearray(archive.get_record(f"{folder}/{about['path_name']}"))
    flat = torch.frombuffer(content, dtype=torch.uint8) if content else torch.empty(0, dtype=torch.uint8)
    return torch.empty(0, dtype=dtype).set_(
        flat.untyped_storage(), int(meta["storage_offset"]["as_int"]), size, stride
    )
