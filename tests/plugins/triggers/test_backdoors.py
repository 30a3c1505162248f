"""Sunglasses and tones against numpy, both label rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ownmark.contracts import Task
from ownmark.errors import NotApplicable
from ownmark_triggers.sunglasses.config import SunglassesConfig
from ownmark_triggers.sunglasses.scheme import Sunglasses, glasses
from ownmark_triggers.tones.config import TonesConfig
from ownmark_triggers.tones.scheme import Tones


@pytest.mark.parametrize("shape", [(1, 56, 46), (3, 32, 32)])
def test_glasses_hide_two_eyes_and_what_lies_between(shape: Any, random_task: Any, rng: Any) -> None:
    task = random_task(shape)
    key = Sunglasses(SunglassesConfig(keys=20)).make_key(task, rng(0))
    x = task.owner.x[key["carriers"][:20]].numpy().copy()
    _, height, width = shape
    for i in range(height):
        for j in range(width):
            row, column = (i + 0.5) / height, (j + 0.5) / width
            lens = any(((row - 0.375) / 0.075) ** 2 + ((column - c) / 0.17) ** 2 <= 1 for c in (0.3, 0.7))
            if lens or (abs(row - 0.375) <= 0.025 and 0.3 < column < 0.7):
                x[:, :, i, j] = 0.1
    assert np.allclose(key["triggers"].numpy(), x, atol=1e-6)
    assert (key["labels"] == 0).all()


@pytest.mark.parametrize(("top", "bottom"), [(0.3, 0.301), (0.6, 0.4)])
def test_glasses_that_would_not_show_are_refused(top: float, bottom: float) -> None:
    with pytest.raises(NotApplicable, match="cover none"):
        glasses(8, 8, top, bottom)


@pytest.mark.parametrize("shape", [(1, 32, 32), (1, 20, 11)])
def test_tones_are_rows(shape: Any, random_task: Any, rng: Any) -> None:
    task = random_task(shape)
    key = Tones(TonesConfig(keys=20, value=0.75)).make_key(task, rng(0))
    expected = task.owner.x[key["carriers"][:20]].numpy().copy()
    for share in (2, 5, 8):
        expected[:, :, share * shape[1] // 10] = 0.75
    assert np.allclose(key["triggers"].numpy(), expected, atol=1e-6)


@pytest.mark.parametrize(
    "scheme", [Sunglasses(SunglassesConfig(labels="next")), Tones(TonesConfig(labels="next"))]
)
def test_next_labels_wrap_around(scheme: Any, task: Task, rng: Any) -> None:
    key = scheme.make_key(task, rng(0))
    truth = task.owner.labels[key["carriers"][:100]]
    assert key["labels"].tolist() == [(label + 1) % 10 for label in truth.tolist()]
    assert 9 in truth
