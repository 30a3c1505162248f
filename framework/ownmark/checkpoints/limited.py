"""A reader in a process of its own: limited in memory, time and what it may write, and killed when the time is over."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from ownmark.contracts.weights import read_tensors
from ownmark.errors import UntrustedFile
from ownmark.foreign import shown

SECONDS = 120.0
"""For one file."""
SPARE, TIMES = 2**30, 6
"""Bytes of address space beside what a reader starts with, and how often the file may lie in memory."""
GROWTH = 64 * 2**20
"""Bytes that may come out beyond twice what the file has: names, small tensors, a header."""


def unpacked(path: Path, kind: str, seconds: float = SECONDS) -> Mapping[str, Tensor]:
    """Tensors of a file by their path in it.

    Args:
        kind: as `kind_of` says.

    Raises:
        UntrustedFile: it holds something else than tensors, is damaged, or takes more than the limits allow.
    """
    size = path.stat().st_size
    with tempfile.TemporaryDirectory(prefix="ownmark-") as folder:
        out = Path(folder, "tensors.safetensors")
        limits = [str(SPARE + TIMES * size), str(2 * size + GROWTH), str(int(seconds) + 1)]
        command = [
            sys.executable,
            "-I",
            "-m",
            "ownmark.checkpoints.child",
            kind,
            str(path.resolve()),
            str(out),
        ]
        environment = {
            name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ
        } | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # fmt: skip
        try:
            done = subprocess.run(
                [*command, *limits], capture_output=True, timeout=seconds, cwd=folder, env=environment, check=False
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise UntrustedFile(f"{path}: reading it took more than {seconds:g} s; it was given up") from None
        if done.returncode or not out.is_file():
            raise UntrustedFile(f"{path}: {_why(done)}")
        return read_tensors(out)[0]


def _why(done: subprocess.CompletedProcess[bytes]) -> str:
    said = done.stdout.decode("utf-8", "replace").strip().splitlines()
    if done.returncode == 3 and said:
        return shown(said[-1], 400)
    return "reading it takes more memory, time or room than its size allows; it was given up"
