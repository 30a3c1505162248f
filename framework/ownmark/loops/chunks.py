"""Work in chunks that fit into memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

T = TypeVar("T")


def in_chunks(count: int, size: int, work: Callable[[slice], T]) -> list[T]:
    """`work` on 0..count in runs of `size`, in order.

    A run that exhausts the GPU's memory is halved and repeated, and so are all after it.

    Raises:
        torch.cuda.OutOfMemoryError: a single item does not fit.
    """
    done: list[T] = []
    start = 0
    while start < count:
        run = slice(start, min(start + size, count))
        try:
            done.append(work(run))
            start = run.stop
        except torch.cuda.OutOfMemoryError:
            if run.stop - run.start == 1:
                raise
            size = (run.stop - run.start) // 2
        if start < run.stop:  # here, where the failed run's tensors are gone
            torch.cuda.empty_cache()
    return done
