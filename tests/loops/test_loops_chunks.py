"""Work in chunks: in order, halved when memory runs out, never silently left undone."""

from __future__ import annotations

import pytest
import torch

from ownmark.loops import in_chunks


def test_exhausted_memory_halves_the_chunk_and_goes_on() -> None:
    tried: list[tuple[int, int]] = []

    def work(run: slice) -> list[int]:
        tried.append((run.start, run.stop))
        if run.stop - run.start > 2:
            raise torch.cuda.OutOfMemoryError
        return list(range(run.start, run.stop))

    assert in_chunks(7, 5, work) == [[0, 1], [2, 3], [4, 5], [6]]
    assert tried == [(0, 5), (0, 2), (2, 4), (4, 6), (6, 7)]


def test_exhausted_memory_for_a_single_item_is_an_error() -> None:
    def work(run: slice) -> None:
        raise torch.cuda.OutOfMemoryError("full")

    with pytest.raises(torch.cuda.OutOfMemoryError):
        in_chunks(4, 4, work)


def test_work_that_gives_none_is_not_taken_for_exhausted_memory() -> None:
    assert in_chunks(5, 2, lambda run: None) == [None, None, None]
