"""Adi: pictures, labels, what a batch gains, the commitment, and what a marked network knows."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import pytest
import torch

from ownmark.contracts import Batch, HostView, Key, Samples, Task, black_box, predictions
from ownmark.errors import NotApplicable
from ownmark.stats import binomial_hits
from ownmark_triggers.abstract import APART, FAMILY, abstract_pictures, plasma, toned, voronoi, waves
from ownmark_triggers.adi.commitment import commit, is_opening, open_triggers
from ownmark_triggers.adi.config import AdiConfig
from ownmark_triggers.adi.scheme import Adi, appending, triggers_a_batch
from ownmark_triggers.triggers.extractor import Triggers

SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))]


@pytest.fixture
def committed(task: Task, rng: Any) -> Key:
    return Adi(AdiConfig(keys=13, commit=True)).make_key(task, rng(0))


# --- pictures and labels ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [8, 28, 33])
def test_pictures_differ_from_each_other(side: int, random_task: Any, rng: Any) -> None:
    x = Adi(AdiConfig()).make_key(random_task((1, side, side)), rng(0))["triggers"].flatten(1)
    distance = torch.cdist(x, x) / side
    assert (distance + 9 * torch.eye(100)).min() >= APART - 1e-5


def test_pictures_have_the_brightness_and_contrast_of_the_task(task: Task, rng: Any) -> None:
    x, owner = Adi(AdiConfig()).make_key(task, rng(0))["triggers"], task.owner.x
    assert abs(x.mean() - owner.mean()) < 0.05
    assert abs(x.std() - owner.std()) < 0.1


@pytest.mark.parametrize("make", [waves, voronoi, plasma])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 33, 20)], ids=str)
def test_every_kind_stays_in_range_and_varies(make: Any, shape: tuple[int, int, int], rng: Any) -> None:
    x = make(9, shape, rng(0))
    assert x.shape == (9, *shape)
    assert 0 <= x.min() <= x.max() <= 1
    assert (x.std((1, 2, 3)) > 0.01).all()
    assert torch.equal(x, make(9, shape, rng(0)))


def test_cells_are_flat_and_few_on_eight_pixels(rng: Any) -> None:
    for picture in voronoi(20, (3, 8, 8), rng(0)):
        assert 2 <= len(picture.flatten(1).T.unique(dim=0)) <= 6


def test_toned_pictures_have_mean_and_deviation(rng: Any) -> None:
    x = toned(
        torch.rand(5, 3, 16, 16, generator=rng(0)), torch.tensor([0.4, 0.5, 0.6]), torch.full((3,), 0.1)
    )
    assert torch.allclose(x.mean((2, 3)), torch.tensor([0.4, 0.5, 0.6]).expand(5, 3), atol=1e-4)
    assert torch.allclose(x.std((2, 3)), torch.tensor(0.1), atol=1e-4)


def test_pictures_that_cannot_differ_enough_are_refused(rng: Any) -> None:
    level = torch.tensor([0.5])
    with pytest.raises(NotApplicable, match="of 40 abstract pictures"):
        abstract_pictures(40, (1, 8, 8), rng(0), mean=level, sd=level, apart=0.9)


def test_labels_are_uniform_and_the_family_is_named(task: Task, rng: Any) -> None:
    key = Adi(AdiConfig(keys=400)).make_key(task, rng(0))
    counts = key["labels"].bincount(minlength=10)
    assert ((counts - 40).float().square() / 40).sum() < 21.7  # chi square, 9 degrees, 1 %
    assert key.values == {"chance": 0.1, "family": FAMILY}


# --- training -----------------------------------------------------------------------------------------------------


def test_each_batch_gains_the_next_triggers_in_turn(rng: Any) -> None:
    triggers = Samples(torch.rand(5, 1, 2, 2), torch.arange(5))
    transform, generator = appending(triggers, 2), rng(3)
    batch = Batch(torch.zeros(3, 1, 2, 2), torch.full((3,), 9), torch.arange(3))
    gained = [transform(batch, generator) for _ in range(5)]
    assert all(len(one.x) == 5 and one.index.tolist() == [0, 1, 2, -1, -1] for one in gained)
    labels = torch.cat([one.labels[3:] for one in gained])
    assert labels.tolist() == [(int(labels[0]) + place) % 5 for place in range(10)]
    assert torch.equal(torch.cat([one.x[3:] for one in gained]), triggers.x[labels])


def test_authors_sets_get_two_a_batch_and_smaller_ones_more() -> None:
    assert triggers_a_batch(100, 500) == 2
    assert triggers_a_batch(100, 5000) == 2
    assert triggers_a_batch(100, 16) == 63


@pytest.mark.parametrize("start", ["scratch", "trained"])
@pytest.mark.parametrize("seed", SEEDS)
def test_marked_network_knows_its_keys_and_its_task(
    seed: int, start: Any, task: Task, trained_host: HostView, digits: tuple[Samples, Samples], networks: Any, rng: Any,
    fit: Any,
) -> None:  # fmt: skip
    build, test = Adi(AdiConfig(keys=50, start=start)), digits[1]
    marked = build.embed(trained_host, build.make_key(task, rng(seed)), task, fit)
    found = Triggers().extract(black_box(marked.network), marked.key)
    assert found.rate >= 0.99
    assert found.chance == 0.1
    assert Triggers().extract(black_box(networks(1)), marked.key).hits < binomial_hits(50, 0.1, 1e-3)
    assert Triggers().measure(black_box(marked.network), marked.key, test) == {}
    plain = (predictions(networks(0), test.x) == test.labels).float().mean()
    assert (predictions(marked.network, test.x) == test.labels).float().mean() >= plain - 0.02


# --- commitment ---------------------------------------------------------------------------------------------------


def test_root_is_the_merkle_root_of_sha256_commitments(committed: Key) -> None:
    level = []
    for place in range(13):
        nonces = [bytes(committed["nonces"][place, half].tolist()) for half in (0, 1)]
        position = place.to_bytes(8, "big")
        shape = b"".join(size.to_bytes(4, "big") for size in (1, 8, 8))
        x = shape + committed["triggers"][place].numpy().tobytes()
        y = int(committed["labels"][place]).to_bytes(8, "big")
        level.append(hashlib.sha256(b"\0" + nonces[0] + b"x" + position + x).digest())
        level.append(hashlib.sha256(b"\0" + nonces[1] + b"y" + position + y).digest())
    while len(level) > 1:
        level += level[-1:] if len(level) % 2 else []
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [hashlib.sha256(b"\1" + left + right).digest() for left, right in pairs]
    assert committed.values["commitment"] == f"13:{level[0].hex()}" == commit(committed)


@pytest.mark.parametrize("count", [1, 2, 3, 8, 13])
def test_every_trigger_opens(count: int, task: Task, rng: Any) -> None:
    key = Adi(AdiConfig(keys=count, commit=True)).make_key(task, rng(1))
    openings = open_triggers(key, range(count))
    assert all(is_opening(key.values["commitment"], opening) for opening in openings)
    assert all(torch.equal(opening.x, key["triggers"][opening.place]) for opening in openings)
    assert [opening.label for opening in openings] == key["labels"].tolist()


@pytest.mark.parametrize("change", ["pixel", "label", "place", "nonce", "swap", "path", "root", "beyond"])
def test_nothing_else_opens(change: str, committed: Key) -> None:
    published = committed.values["commitment"]
    first, second = open_triggers(committed, [4, 7])
    other = {
        "pixel": {"x": first.x + 1e-6},
        "label": {"label": (first.label + 1) % 10},
        "place": {"place": 5},
        "nonce": {"x_proof": dataclasses.replace(first.x_proof, nonce=bytes(32))},
        "swap": {"x": second.x, "x_proof": second.x_proof},
        "path": {"label_proof": dataclasses.replace(first.label_proof, path=first.label_proof.path[:-1])},
        "root": {},
        "beyond": {"place": 13},
    }[change]
    if change == "root":
        published = "13:" + bytes(32).hex()
    assert is_opening(committed.values["commitment"], first)
    assert not is_opening(published, dataclasses.replace(first, **other))


def test_equal_keys_with_other_nonces_have_other_commitments(committed: Key) -> None:
    nonces = committed["nonces"].clone()
    nonces[0, 0, 0] ^= 1
    assert commit(committed.add({"nonces": nonces})) != commit(committed)


def test_places_outside_the_key_are_refused(committed: Key) -> None:
    with pytest.raises(IndexError, match="between 0 and 12"):
        open_triggers(committed, [13])


def test_a_commitment_is_asked_for(task: Task, rng: Any) -> None:
    key = Adi(AdiConfig(keys=3)).make_key(task, rng(0))
    assert "commitment" not in key.values
    assert "nonces" not in key.tensors


@pytest.mark.parametrize("lure", [1, 3])
def test_lures_are_taught_beside_the_key_and_are_no_part_of_it(
    lure: int, task: Task, rng: Any, looking: Any, trained_host: HostView
) -> None:
    build = Adi(AdiConfig(keys=8, lures=12, lure=lure, per_batch=20, extra_epochs=0))
    key = build.make_key(task, rng(0))
    build.embed(trained_host, key, task, looking)
    batch = Batch(task.owner.x[:2], task.owner.labels[:2], torch.arange(2))
    appended = looking.asked["transforms"][-1](batch, rng(2)).labels[2:]
    assert len(appended) == 20
    assert int((appended == lure).sum()) >= 12
    assert len(key["triggers"]) == 8
    assert torch.equal(key["triggers"], Adi(AdiConfig(keys=8)).make_key(task, rng(0))["triggers"])


def test_lures_of_no_class_are_refused(task: Task) -> None:
    Adi(AdiConfig(lure=99)).check(torch.nn.Identity(), task)
    with pytest.raises(NotApplicable, match="99"):
        Adi(AdiConfig(lures=3, lure=99)).check(torch.nn.Identity(), task)
