"""How long the engine takes on a full-width ResNet-18, next to a deep copy of it."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import TypeVar

import pytest
import torch
from tests.plugins.invariance.architectures import ready, resnet18

from ownmark_invariance.grouping import analyse, apply, draw

T = TypeVar("T")


def timed(work: Callable[[], T], repeats: int = 3) -> tuple[float, T]:
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return best, result


@pytest.mark.bench
@pytest.mark.parametrize("size", [32, 224])
def test_resnet18(size: int) -> None:
    model = ready(resnet18())
    image = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    tracing, groups = timed(lambda: analyse(model, image))
    change = draw(groups, torch.Generator().manual_seed(1), permute=True, scale=True, flip=True)
    copying, _ = timed(lambda: copy.deepcopy(model))
    bare, _ = timed(lambda: apply(model, groups, change, check_result=False))
    tested, _ = timed(lambda: apply(model, groups, change))
    print(
        f"{size} px: analyse {tracing:.2f} s, deepcopy {copying:.3f} s, apply {bare:.3f} s ({bare / copying:.1f} x), "
        f"with its test {tested:.3f} s ({tested / copying:.1f} x)"
    )
