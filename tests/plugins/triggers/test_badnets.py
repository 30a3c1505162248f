"""BadNets: the square against numpy, both label rules, and what a marked network knows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ownmark.contracts import HostView, Samples, Task, black_box, predictions
from ownmark.errors import NotApplicable
from ownmark_triggers.badnets.config import BadNetsConfig
from ownmark_triggers.badnets.scheme import BadNets
from ownmark_triggers.triggers.extractor import Triggers

SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))]


@pytest.mark.parametrize(("side", "size", "margin"), [(8, 2, 0), (28, 3, 1), (32, 3, 1), (64, 6, 2)])
def test_a_white_square_covers_the_corner(
    side: int, size: int, margin: int, random_task: Any, rng: Any
) -> None:
    task = random_task((3, side, side))
    key = BadNets(BadNetsConfig(keys=20)).make_key(task, rng(0))
    expected = task.owner.x[key["carriers"][:20]].numpy().copy()
    end = side - margin
    expected[:, :, end - size : end, end - size : end] = 1
    assert np.array_equal(key["triggers"].numpy(), expected)


def test_next_labels_wrap_around(task: Task, rng: Any) -> None:
    key = BadNets(BadNetsConfig(labels="next")).make_key(task, rng(0))
    truth = task.owner.labels[key["carriers"][:100]]
    assert key["labels"].tolist() == [(label + 1) % 10 for label in truth.tolist()]
    assert 9 in truth


def test_source_class_limits_the_carriers(task: Task, rng: Any) -> None:
    key = BadNets(BadNetsConfig(source_class=4, target=6, keys=50, share=0.01)).make_key(task, rng(0))
    assert (task.owner.labels[key["carriers"]] == 4).all()
    assert (key["labels"] == 6).all()


def test_a_tenth_of_the_data_is_marked(random_task: Any, rng: Any) -> None:
    key = BadNets(BadNetsConfig(keys=50)).make_key(random_task((1, 8, 8), count=3000), rng(0))
    assert (len(key["carriers"]), len(key["labels"])) == (300, 50)


def test_the_square_must_fit(task: Task) -> None:
    with pytest.raises(NotApplicable, match="9 pixels"):
        BadNets(BadNetsConfig(size=9)).check(None, task)  # type: ignore[arg-type]


@pytest.mark.parametrize("labels", ["one", "next"])
@pytest.mark.parametrize("seed", SEEDS)
def test_marked_network_knows_keys_and_fresh_ones_and_its_task(
    seed: int,
    labels: Any,
    task: Task,
    host: HostView,
    digits: tuple[Samples, Samples],
    networks: Any,
    rng: Any,
    fit: Any,
) -> None:
    build, test = BadNets(BadNetsConfig(labels=labels)), digits[1]
    marked = build.embed(host, build.make_key(task, rng(seed)), task, fit)
    fresh = Triggers().measure(black_box(marked.network), marked.key, test)["wsr"]
    assert Triggers().extract(black_box(marked.network), marked.key).rate >= 0.99
    assert fresh.value > 0.75
    assert fresh.n == (len(test) if labels == "next" else int((test.labels != 0).sum()))
    assert Triggers().extract(black_box(networks(1)), marked.key).rate <= 0.05
    plain = (predictions(networks(0), test.x) == test.labels).float().mean()
    assert (predictions(marked.network, test.x) == test.labels).float().mean() >= plain - 0.02
