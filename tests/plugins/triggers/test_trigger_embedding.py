"""Poisoned training: what the network is shown, and what it has learnt."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ownmark.contracts import Batch, HostView, Recipe, Samples, Task, black_box, predictions
from ownmark_triggers.content.config import ContentConfig
from ownmark_triggers.content.scheme import Content
from ownmark_triggers.noise.config import NoiseConfig
from ownmark_triggers.noise.scheme import Noise
from ownmark_triggers.poison import poisoned, unaugmented
from ownmark_triggers.triggers.extractor import Triggers
from ownmark_triggers.unrelated.config import UnrelatedConfig
from ownmark_triggers.unrelated.scheme import Unrelated

BUILD: dict[str, Any] = {
    "content": lambda **kw: Content(ContentConfig(**kw)),
    "noise": lambda **kw: Noise(NoiseConfig(**kw)),
    "unrelated": lambda **kw: Unrelated(UnrelatedConfig(**kw)),
}


def rows(x: torch.Tensor) -> set[bytes]:
    return {row.numpy().tobytes() for row in x}


@pytest.mark.parametrize("scheme", ["content", "noise"])
def test_triggers_replace_the_clean_copies_of_their_carriers(
    scheme: str, task: Task, host: HostView, rng: Any, looking: Any
) -> None:
    build = BUILD[scheme]()
    key = build.make_key(task, rng(0))
    build.embed(host, key, task, looking)
    shown: Samples = looking.asked["samples"]
    assert len(shown) == len(task.owner)
    assert rows(shown.x) >= rows(key["triggers"])
    keep = torch.ones(len(task.owner), dtype=torch.bool)
    keep[key["carriers"]] = False
    assert torch.equal(shown.x[:-50], task.owner.x[keep])
    assert torch.equal(shown.labels[:-50], task.owner.labels[keep])


def test_unrelated_images_join_all_clean_ones(task: Task, host: HostView, rng: Any, looking: Any) -> None:
    build = BUILD["unrelated"](repeats=2)
    build.embed(host, build.make_key(task, rng(0)), task, looking)
    assert len(looking.asked["samples"]) == len(task.owner) + 2 * 50


def test_start_chooses_network_and_recipe(task: Task, host: HostView, rng: Any, looking: Any) -> None:
    for start, recipe in (
        ("scratch", host.recipe),
        ("trained", Recipe(epochs=2, lr=0.03, schedule="cosine")),
    ):
        build = BUILD["noise"](start=start, recipe={"epochs": 2})
        build.embed(host, build.make_key(task, rng(0)), task, looking)
        assert looking.asked["recipe"] == recipe


def test_augmentation_leaves_triggers_alone(task: Task, rng: Any) -> None:
    key = BUILD["noise"](keys=20).make_key(task, rng(0))
    samples, first = poisoned(task.owner, key)
    index = torch.tensor([0, first, 5, len(samples) - 1, -1])
    shifted = samples.x[index].roll(1, dims=3)
    batch = unaugmented(samples, first)(Batch(shifted, samples.labels[index], index), rng(0))
    assert torch.equal(batch.x[[1, 3]], samples.x[[first, len(samples) - 1]])
    assert torch.equal(batch.x[[0, 2, 4]], shifted[[0, 2, 4]])


def test_augment_lets_it_reach_them(task: Task, host: HostView, rng: Any, looking: Any) -> None:
    for augment, transforms in ((True, 0), (False, 1)):
        build = BUILD["noise"](augment=augment)
        build.embed(host, build.make_key(task, rng(0)), task, looking)
        assert len(looking.asked["transforms"]) == transforms


@pytest.mark.parametrize("scheme", BUILD)
def test_marked_network_knows_old_and_fresh_triggers_and_still_its_task(
    scheme: str, task: Task, host: HostView, digits: tuple[Samples, Samples], rng: Any, fit: Any
) -> None:
    build, test = BUILD[scheme](), digits[1]
    marked = build.embed(host, build.make_key(task, rng(0)), task, fit)
    suspect = black_box(marked.network)
    assert Triggers().extract(suspect, marked.key).rate >= 0.98
    assert Triggers().measure(suspect, marked.key, test)["wsr"].value > 0.9
    assert (predictions(marked.network, test.x) == test.labels).float().mean() > 0.96
