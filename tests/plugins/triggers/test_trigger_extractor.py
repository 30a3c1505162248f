"""What the extractor counts: trained keys as evidence, fresh ones beside it, never the one for the other."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from ownmark.contracts import BlackBox, Key, Samples, Task
from ownmark_triggers.content.config import ContentConfig
from ownmark_triggers.content.scheme import Content
from ownmark_triggers.noise.config import NoiseConfig
from ownmark_triggers.noise.scheme import Noise
from ownmark_triggers.triggers.extractor import Triggers


def answering(known: Tensor, target: int, otherwise: int) -> BlackBox:
    """A suspect that calls the images it knows `target` and all others `otherwise`."""
    table = {row.numpy().tobytes() for row in known}
    return BlackBox(
        lambda x: torch.tensor([target if row.numpy().tobytes() in table else otherwise for row in x])
    )


def test_memorised_triggers_and_fresh_ones_are_different_figures(
    task: Task, digits: tuple[Samples, Samples], rng: Any
) -> None:
    key = Content(ContentConfig()).make_key(task, rng(0))
    suspect = answering(key["triggers"], target=0, otherwise=1)
    found = Triggers().extract(suspect, key)
    fresh = Triggers().measure(suspect, key, digits[1])["wsr"]
    assert (found.rate, found.n, found.symbol, found.chance) == (1.0, 50, "label", None)
    assert fresh.hits == 0
    assert fresh.n == int((digits[1].labels != 0).sum())


def test_fresh_triggers_are_stamped_test_images_of_other_classes(
    task: Task, digits: tuple[Samples, Samples], rng: Any
) -> None:
    test = digits[1]
    key = Noise(NoiseConfig(target=4)).make_key(task, rng(0))
    stamped = (test.x[test.labels != 4] + key["pattern"]).clamp(0, 1)
    fresh = Triggers().measure(answering(stamped, target=4, otherwise=1), key, test)["wsr"]
    assert fresh.hits == fresh.n == len(stamped)


def test_source_class_limits_fresh_triggers(task: Task, digits: tuple[Samples, Samples], rng: Any) -> None:
    key = Noise(NoiseConfig(source_class=7, keys=20)).make_key(task, rng(0))
    fresh = Triggers().measure(answering(key["triggers"], 0, 1), key, digits[1])["wsr"]
    assert fresh.n == int((digits[1].labels == 7).sum())


def test_key_without_pattern_has_no_fresh_triggers(digits: tuple[Samples, Samples]) -> None:
    key = Key("adi", {"triggers": torch.rand(3, 1, 8, 8), "labels": torch.tensor([1, 2, 3])}, {"chance": 0.1})
    suspect = answering(key["triggers"], target=2, otherwise=0)
    found = Triggers().extract(suspect, key)
    assert found.matches.tolist() == [False, True, False]
    assert found.chance == 0.1
    assert Triggers().measure(suspect, key, digits[1]) == {}


def test_many_keys_read_as_one_by_one(task: Task, rng: Any) -> None:
    keys = [Noise(NoiseConfig(keys=n)).make_key(task, rng(n)) for n in (3, 7, 5)]
    suspect = answering(keys[1]["triggers"], target=0, otherwise=9)
    assert [found.hits for found in Triggers().extract_many(suspect, keys)] == [0, 7, 0]
    assert [Triggers().extract(suspect, key).hits for key in keys] == [0, 7, 0]
    assert Triggers().extract_many(suspect, []) == []


def test_every_trigger_costs_one_query(task: Task, rng: Any) -> None:
    key = Noise(NoiseConfig(keys=30)).make_key(task, rng(0))
    suspect = answering(key["triggers"], 0, 1)
    Triggers().extract(suspect, key)
    assert suspect.queries == 30


@pytest.mark.parametrize("answer", ["labels", "probabilities"])
def test_labels_and_probabilities_both_do(task: Task, rng: Any, answer: str) -> None:
    key = Noise(NoiseConfig(keys=4)).make_key(task, rng(0))
    first = torch.eye(10)[0]
    suspect = BlackBox(
        lambda x: torch.zeros(len(x), dtype=torch.int64) if answer == "labels" else first.repeat(len(x), 1)
    )
    assert Triggers().extract(suspect, key).rate == 1.0
