"""Keyed marks: what a key draws is its own, triggers of its motifs take turns, and strangers' keys miss the labels."""

from __future__ import annotations

import math

import pytest
import torch

from ownmark.contracts import Key, Samples, Task
from ownmark.discovery import discover
from ownmark.methods import Kind
from ownmark_triggers.motifs import draw_targets, motifs_of, stamped_by_turns, target_bits
from ownmark_triggers.stamps import fresh

STAMPED = ["content", "noise", "badnets", "blended", "patch"]
SHAPES = [(1, 8, 8), (3, 32, 32)]


def task(shape: tuple[int, int, int], count: int = 200) -> Task:
    rng = torch.Generator().manual_seed(0)
    owner = Samples(torch.rand(count, *shape, generator=rng), torch.arange(count) % 10)
    return Task("made up", shape, 10, owner)


def key(scheme: str, shape: tuple[int, int, int], seed: int, **more: object) -> Key:
    made = discover().build(Kind.SCHEME, scheme, {"keyed": True, "keys": 25, **more})
    return made.make_key(task(shape), torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scheme", [*STAMPED, "unrelated"])
def test_a_key_is_a_function_of_its_seed_and_no_two_are_alike(
    scheme: str, shape: tuple[int, int, int]
) -> None:
    one, again, other = key(scheme, shape, 1), key(scheme, shape, 1), key(scheme, shape, 2)
    assert one.digest() == again.digest() != other.digest()
    assert len(one["triggers"]) == len(one["labels"]) == 25
    assert float(one["triggers"].min()) >= 0
    assert float(one["triggers"].max()) <= 1
    assert len(set(one["labels"].tolist())) == 5
    assert one["labels"].tolist()[:5] * 5 == one["labels"].tolist()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scheme", STAMPED)
def test_triggers_are_carriers_of_other_classes_with_the_motifs_in_turn(
    scheme: str, shape: tuple[int, int, int]
) -> None:
    made, owner = key(scheme, shape, 3), task(shape).owner
    carried = owner.select(made["carriers"])
    assert len(set(made["carriers"].tolist())) == 25
    assert not (carried.labels == made["labels"]).any()
    again = stamped_by_turns(carried, motifs_of(made))
    assert torch.equal(again.x, made["triggers"])
    assert (again.x != carried.x).flatten(1).any(1).all()


@pytest.mark.parametrize("scheme", ["content", "patch", "unrelated"])
def test_fresh_triggers_have_the_labels_of_the_key_and_none_has_it_already(scheme: str) -> None:
    made = key(scheme, (1, 8, 8), 4)
    test = Samples(torch.rand(60, 1, 8, 8), torch.arange(60) % 10)
    found = fresh(made, test)
    assert found is not None
    assert set(found.labels.tolist()) <= set(made["labels"].tolist())
    assert len(found) > 40


@pytest.mark.parametrize("scheme", ["content", "badnets"])
def test_a_network_that_obeys_its_own_motifs_gives_strangers_few_of_their_labels(scheme: str) -> None:
    own = key(scheme, (3, 32, 32), 0)
    learnt = int(
        own["labels"].mode().values
    )  # the worst that a network can make of it: any such mark means this
    strangers = [key(scheme, (3, 32, 32), seed) for seed in range(1, 40)]
    assert max(int((other["labels"] == learnt).sum()) for other in strangers) <= 5


def test_the_papers_pattern_has_no_entropy_and_the_keyed_one_has_what_its_draws_have() -> None:
    for scheme in ("content", "unrelated", "badnets", "blended"):
        fixed, keyed = (discover().build(Kind.SCHEME, scheme, {"keyed": on}) for on in (False, True))
        assert fixed.key_bits(task((1, 8, 8))) == 0
        assert keyed.key_bits(task((1, 8, 8))) > 20
    letters = discover().build(Kind.SCHEME, "unrelated", {"keyed": True})
    assert letters.key_bits(task((1, 8, 8))) == pytest.approx(
        math.log2(16 * 15 * 14 * 13 * 12 * 10 * 9 * 8 * 7 * 6)
    )


@pytest.mark.parametrize(
    ("count", "classes", "ways"), [(5, 10, 30240), (3, 2, 4), (2, 2, 2), (12, 10, 3628800 * 90)]
)
def test_labels_are_as_different_as_there_are_classes(count: int, classes: int, ways: int) -> None:
    drawn = draw_targets(count, classes, torch.Generator().manual_seed(0))
    assert len(set(drawn)) == min(count, classes)
    assert 2 ** target_bits(count, classes) == pytest.approx(ways)
