"""ROSE: labels bound to every pixel and to the secret, rarity, overwritten labels, and what a marked network knows."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest
import torch

from ownmark.contracts import BlackBox, HostView, Samples, Task, black_box, predictions
from ownmark.errors import NotApplicable
from ownmark.stats import binomial_hits
from ownmark_triggers.rose.config import RoseConfig
from ownmark_triggers.rose.extractor import RoseExtractor
from ownmark_triggers.rose.labels import digest, hashed_labels
from ownmark_triggers.rose.scheme import Rose

SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))]


def test_digest_is_hmac_over_all_raw_pixels(rng: Any) -> None:
    x = torch.rand(3, 1, 8, 8, generator=rng(0))
    shape = b"".join(size.to_bytes(4, "big") for size in (3, 1, 8, 8))
    assert digest(x, b"secret") == hmac.new(b"secret", shape + x.numpy().tobytes(), hashlib.sha256).digest()


@pytest.mark.parametrize("place", [(0, 0, 0), (39, 0, 63), (20, 2, 1000)])
def test_one_pixel_of_one_image_changes_the_labels(place: tuple[int, int, int], rng: Any) -> None:
    x = torch.rand(40, 3, 32, 32, generator=rng(0))
    changed = x.clone()
    changed.view(40, 3, -1)[place] += 1 / 255
    before, after = hashed_labels(x, b"secret", 10), hashed_labels(changed, b"secret", 10)
    assert (before == after).float().mean() < 0.4
    assert (before == hashed_labels(x, b"Secret", 10)).float().mean() < 0.4
    assert (before == hashed_labels(x.flip(0), b"secret", 10)).float().mean() < 0.4


def test_labels_are_uniform_over_ten_classes(rng: Any) -> None:
    labels = hashed_labels(torch.rand(5000, 1, 2, 2, generator=rng(0)), b"secret", 10)
    counts = labels.bincount(minlength=10)
    assert ((counts - 500).float().square() / 500).sum() < 21.7  # chi square, 9 degrees, 1 %


def test_only_the_labels_of_key_images_are_overwritten(
    task: Task, host: HostView, rng: Any, looking: Any
) -> None:
    build = Rose(RoseConfig())
    key = build.make_key(task, rng(0))
    build.embed(host, key, task, looking)
    shown: Samples = looking.asked["samples"]
    assert len(shown) == len(task.owner)
    assert torch.equal(shown.x[-40:], task.owner.x[key["carriers"]])
    assert torch.equal(shown.labels[-40:], key["labels"])
    assert len(key["carriers"].unique()) == 40


def test_extractor_trusts_the_hash_and_not_the_key(task: Task, rng: Any) -> None:
    key = Rose(RoseConfig()).make_key(task, rng(0))
    zeros = BlackBox(lambda x: torch.zeros(len(x), dtype=torch.int64))
    forged = key.add({"labels": torch.zeros_like(key["labels"])})
    found = RoseExtractor().extract(zeros, forged)
    assert found.hits == int((key["labels"] == 0).sum())
    assert found.extras["labels_bound"] == "no"
    assert RoseExtractor().extract(zeros, key).extras["labels_bound"] == "yes"


def test_rarity_of_33_of_40_is_86_bits(task: Task, rng: Any) -> None:
    key = Rose(RoseConfig()).make_key(task, rng(0))
    answers = torch.cat([key["labels"][:33], (key["labels"][33:] + 1) % 10])
    found = RoseExtractor().extract(BlackBox(lambda x: answers), key)
    assert (found.hits, found.n, found.chance) == (33, 40, 0.1)
    assert found.extras["rarity_bits"] == pytest.approx(86.5, abs=0.05)


@pytest.mark.parametrize("seed", SEEDS)
def test_marked_network_knows_its_keys_and_its_task(
    seed: int, task: Task, host: HostView, digits: tuple[Samples, Samples], networks: Any, rng: Any, fit: Any
) -> None:
    build, test = Rose(RoseConfig(keys=20, repeats=4)), digits[1]
    marked = build.embed(host, build.make_key(task, rng(seed)), task, fit)
    assert RoseExtractor().extract(black_box(marked.network), marked.key).rate >= 0.99
    assert RoseExtractor().extract(black_box(networks(1)), marked.key).hits < binomial_hits(20, 0.1, 1e-3)
    plain = (predictions(networks(0), test.x) == test.labels).float().mean()
    assert (predictions(marked.network, test.x) == test.labels).float().mean() >= plain - 0.02


@pytest.mark.parametrize(("classes", "chance"), [(2, 0.5), (5, 0.2)])
def test_chance_follows_from_the_classes_that_the_hash_was_told(
    classes: int, chance: float, task: Task, rng: Any
) -> None:
    key = Rose(RoseConfig()).make_key(task, rng(0)).add(classes=classes)
    found = RoseExtractor().extract(BlackBox(lambda x: torch.zeros(len(x), dtype=torch.int64)), key)
    assert found.chance == chance
    assert found.hits > 40 * chance / 3


@pytest.mark.parametrize("classes", [1, 0])
def test_a_key_of_one_class_proves_nothing(classes: int, task: Task, rng: Any) -> None:
    key = Rose(RoseConfig()).make_key(task, rng(0)).add(classes=classes)
    with pytest.raises(NotApplicable, match="proves nothing"):
        RoseExtractor().extract(BlackBox(lambda x: torch.zeros(len(x), dtype=torch.int64)), key)
