"""What the transforms cost, in CPU time an image."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from ownmark_pst.jpeg.codec import jpeg
from ownmark_pst.pst.config import PSTConfig
from ownmark_pst.pst.spatial import pst_transform


def milliseconds(work: Callable[[Tensor], Tensor], x: Tensor) -> float:
    """Of CPU time an image; the least of four."""
    spent = []
    for _ in range(5):
        begun = time.process_time()
        work(x)
        spent.append(1000 * (time.process_time() - begun) / len(x))
    return min(spent[1:])


@pytest.mark.bench
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)], ids=str)
def test_cost_of_an_image(shape: tuple[int, int, int], rng: Any, capsys: pytest.CaptureFixture[str]) -> None:
    x = torch.rand((200, *shape), generator=rng(0))
    codes = milliseconds(partial(jpeg, quality=45), x)
    five, three = (
        milliseconds(partial(pst_transform, config=config, rng=rng(1)), x)
        for config in (PSTConfig(), PSTConfig(beta=3, v=4))
    )
    with capsys.disabled():
        print(
            f"\n{shape}, {torch.get_num_threads()} threads, CPU: jpeg {codes:.2f} ms, PST {five:.2f} ms at beta 5, "
            f"{three:.2f} at beta 3"
        )
