"""How much memory a stage took at most, for those who plan how many share a machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@contextmanager
def peak(device: torch.device) -> Iterator[dict[str, int]]:
    """Filled when the block ends: `bytes` of this process (Linux only), and `gpu_bytes` on a CUDA device."""
    found: dict[str, int] = {}
    with suppress(OSError):
        _CLEAR.write_text("5")  # the highest value so far is forgotten
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    yield found
    with suppress(OSError):
        if line := re.search(r"VmHWM:\s*(\d+) kB", _STATUS.read_text()):
            found["bytes"] = int(line[1]) * 1024
    if device.type == "cuda":
        found["gpu_bytes"] = torch.cuda.max_memory_reserved(device)
