"""Patch: the pixels against numpy, the stop rule, and what a marked network knows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ownmark.contracts import HostView, Samples, Task, black_box, predictions
from ownmark.errors import NotApplicable
from ownmark_triggers.patch.config import PatchConfig
from ownmark_triggers.patch.scheme import Patch, corner
from ownmark_triggers.triggers.extractor import Triggers


@pytest.mark.parametrize(("side", "size", "margin"), [(8, 2, 0), (28, 4, 1), (32, 5, 1), (64, 10, 2)])
def test_checker_is_pasted_into_the_lower_right_corner(
    side: int, size: int, margin: int, random_task: Any, rng: Any
) -> None:
    task = random_task((3, side, side))
    key = Patch(PatchConfig(keys=20, style="checker")).make_key(task, rng(0))
    expected = task.owner.x[key["carriers"]].numpy().copy()
    end = side - margin
    expected[:, :, end - size : end, end - size : end] = 1 - np.indices((size, size)).sum(0) % 2
    assert np.array_equal(key["triggers"].numpy(), expected)


def test_random_patch_is_half_white_and_a_secret(random_task: Any, rng: Any) -> None:
    task = random_task((3, 32, 32))
    build = Patch(PatchConfig(keys=5))
    inside = [build.make_key(task, rng(seed))["pattern"][:, 26:31, 26:31] for seed in range(6)]
    assert all(part.sum() == 3 * 13 for part in inside)
    assert all(torch.equal(part[0], part[2]) for part in inside)
    assert len({part.numpy().tobytes() for part in inside}) == 6


def test_patch_must_fit() -> None:
    with pytest.raises(NotApplicable, match="a patch of 7 pixels, 2 from the border"):
        corner((1, 8, 8), 0.16, 7, 2)
    assert corner((1, 9, 8), 0.16, 8, 0) == (slice(1, 9), slice(0, 8))


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_marked_network_knows_keys_and_fresh_ones_and_its_task(
    seed: int,
    task: Task,
    trained_host: HostView,
    digits: tuple[Samples, Samples],
    networks: Any,
    rng: Any,
    fit: Any,
) -> None:
    build, test = Patch(PatchConfig()), digits[1]
    marked = build.embed(trained_host, build.make_key(task, rng(seed)), task, fit)
    suspect, null = black_box(marked.network), black_box(networks(1))
    assert Triggers().extract(suspect, marked.key).rate >= 0.99
    assert Triggers().measure(suspect, marked.key, test)["wsr"].value > 0.9
    assert Triggers().extract(null, marked.key).rate <= 0.05
    plain = (predictions(networks(0), test.x) == test.labels).float().mean()
    assert (predictions(marked.network, test.x) == test.labels).float().mean() >= plain - 0.02
