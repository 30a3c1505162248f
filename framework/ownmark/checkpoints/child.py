"""What the reading process does: `python -m ownmark.checkpoints.child KIND FILE OUT MEMORY ROOM SECONDS`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

REFUSED = 3


def limit(memory: int, room: int, seconds: int) -> None:
    """Limits of this process: further bytes of address space, bytes of a file it writes, seconds of computing."""
    try:
        import resource
    except ImportError:  # not on Windows; the time limit of the caller holds everywhere
        return
    taken = Path("/proc/self/statm")  # libraries of a torch with CUDA take several GB of it
    if taken.is_file():
        memory += int(taken.read_text().split()[0]) * resource.getpagesize()
    for which, most in (
        (resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, room), (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):  # fmt: skip
        resource.setrlimit(which, (most, most))


def main(kind: str, path: Path, out: Path) -> None:
    """Read the file and write its tensors as safetensors.

    Raises:
        Exception: whatever the reader says.
    """
    from ownmark.checkpoints import readers

    found = getattr(readers, kind)(path)
    _write(dict(_flat(found, ())), out)


def _flat(value: Any, path: tuple[str, ...], depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Tensors by path; what else a checkpoint holds (counters, settings) is left out."""
    import torch

    from ownmark.checkpoints.nesting import SEPARATOR

    if depth > 20:
        raise ValueError("nested more than 20 levels deep")
    if isinstance(value, torch.Tensor):
        yield SEPARATOR.join(path), value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(inner, (*path, str(name)), depth + 1)


def _write(found: dict[str, Any], out: Path) -> None:
    import torch
    from safetensors.torch import save_file

    plain = {}
    for name, tensor in found.items():
        if tensor.is_quantized:
            tensor = tensor.dequantize()
        if tensor.layout != torch.strided:
            tensor = tensor.to_dense()
        plain[name] = tensor.detach().contiguous().clone()
    save_file(plain, out)


if __name__ == "__main__":
    import torch  # noqa: F401  (before the limits: its libraries take address space of their own)

    limit(*map(int, sys.argv[4:7]))
    try:
        main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    except MemoryError:
        sys.exit(4)
    except BaseException as error:
        sentence = " ".join(str(error).split())[:300]
        print(f"not read: {sentence or type(error).__name__}")  # noqa: T201
        sys.exit(REFUSED)
