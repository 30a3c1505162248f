"""Tensors of a TorchScript archive. Its pickle names classes of its own (`__torch__...`), which become plain records;
any other class is refused, and the archive's code is never compiled."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch


class Record:
    """An object of a class that the archive defines: nothing but its attributes."""

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, Mapping):
            self.__dict__.update({str(name): value for name, value in state.items()})


def read_script(path: Path) -> dict[str, Any]:
    """Tensors of the archive's module, by name.

    Raises:
        ValueError: it is no module, or asks for something else than tensors.
    """
    archive = torch._C.PyTorchFileReader(str(path))
    reader = _Reader(io.BytesIO(archive.get_record("data.pkl")), archive)
    try:
        module = reader.load()
    except (pickle.UnpicklingError, AttributeError, IndexError, KeyError, TypeError, EOFError) as error:
        raise ValueError(f"not a readable TorchScript file ({error})") from None
    if not isinstance(module, Record):
        raise ValueError("not a readable TorchScript file (it holds no module)")
    return dict(_tensors(module, "", set()))


def _tensors(record: Record, prefix: str, above: set[int]) -> Any:
    if id(record) in above:
        return
    for name, value in vars(record).items():
        if isinstance(value, torch.Tensor):
            yield prefix + name, value
        elif isinstance(value, Record):
            yield from _tensors(value, f"{prefix}{name}.", above | {id(record)})


class _Reader(pickle.Unpickler):
    """An unpickler that knows tensors and records."""

    def __init__(self, file: Any, archive: Any) -> None:
        super().__init__(file)
        self._archive = archive

    def find_class(self, module: str, name: str) -> Any:
        """Only what makes tensors, and records for the archive's own classes."""
        if module == "__torch__" or module.startswith("__torch__."):
            return Record
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("collections", "OrderedDict"):
            return dict
        if module == "torch.jit._pickle" and name in ("build_intlist", "build_doublelist", "build_boollist",
                                                      "build_tensorlist", "restore_type_tag"):  # fmt: skip
            return lambda value, *_: value
        if module == "torch" and name.endswith("Storage") and name.isalnum():
            return name
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not run")

    def persistent_load(self, saved: Any) -> Any:
        """A storage: (`storage`, type, key, place, elements)."""
        _, kind, key, _, count = saved
        dtype = getattr(torch, str(kind)).dtype
        size = torch.empty(0, dtype=dtype).element_size()
        storage = self._archive.get_storage_from_record(f"data/{key}", int(count) * size, torch.uint8)
        return storage._typed_storage()._untyped_storage, dtype


def _tensor(storage: Any, offset: int, size: Any, stride: Any, *_: Any) -> torch.Tensor:
    bytes_, dtype = storage
    empty = torch.empty(0, dtype=dtype)
    return empty.set_(bytes_, int(offset), tuple(size), tuple(stride))
