"""Blended: where the glasses are, how they are laid over images, and what a marked network knows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ownmark.contracts import HostView, Samples, Task, black_box, predictions
from ownmark.errors import NotApplicable
from ownmark_triggers.blended.config import BlendedConfig
from ownmark_triggers.blended.scheme import Blended, glasses
from ownmark_triggers.triggers.extractor import Triggers

ON_EIGHT = ["........", "........", ".######.", ".##..##.", "........", "........", "........", "........"]
SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))]


def test_glasses_on_eight_pixels() -> None:
    drawn = ["".join(".#"[int(dot)] for dot in row) for row in glasses(8, 8)]
    assert drawn == ON_EIGHT


@pytest.mark.parametrize("side", [8, 28, 32, 33, 64])
def test_glasses_are_a_symmetric_pair_around_the_eyes(side: int) -> None:
    mask = glasses(side, side)
    rows = mask.sum(1).nonzero().flatten() / side
    assert torch.equal(mask, mask.flip(1))
    assert 0.2 <= rows.min() <= rows.max() <= 0.5
    assert 0.05 < mask.mean() < 0.2
    lowest = mask[int(mask.sum(1).nonzero().max())]
    assert lowest[side // 2] == 0
    assert lowest.sum() >= 2


@pytest.mark.parametrize(("channels", "value"), [(1, 0.5), (3, 0.1)])
@pytest.mark.parametrize("alpha", [1.0, 0.2])
def test_glasses_are_blended_over_the_images(
    channels: int, value: float, alpha: float, random_task: Any, rng: Any
) -> None:
    task = random_task((channels, 8, 8))
    key = Blended(BlendedConfig(keys=20, alpha=alpha)).make_key(task, rng(0))
    where = np.array([[dot == "#" for dot in row] for row in ON_EIGHT])
    x = task.owner.x[key["carriers"]].numpy()
    np.testing.assert_allclose(
        key["triggers"].numpy(), np.where(where, (1 - alpha) * x + alpha * value, x), atol=1e-6
    )


def test_glasses_need_six_pixels() -> None:
    with pytest.raises(NotApplicable, match="too few for glasses"):
        glasses(5, 8)


@pytest.mark.parametrize("seed", SEEDS)
def test_marked_network_knows_keys_and_fresh_ones_and_its_task(
    seed: int, task: Task, host: HostView, digits: tuple[Samples, Samples], networks: Any, rng: Any, fit: Any
) -> None:
    build, test = Blended(BlendedConfig()), digits[1]
    marked = build.embed(host, build.make_key(task, rng(seed)), task, fit)
    suspect = black_box(marked.network)
    assert Triggers().extract(suspect, marked.key).rate >= 0.99
    assert Triggers().measure(suspect, marked.key, test)["wsr"].value > 0.9
    assert Triggers().extract(black_box(networks(1)), marked.key).rate <= 0.05
    plain = (predictions(networks(0), test.x) == test.labels).float().mean()
    assert (predictions(marked.network, test.x) == test.labels).float().mean() >= plain - 0.02
