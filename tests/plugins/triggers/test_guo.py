"""Guo: message, places and permutation from a signature; marked pixels against numpy; both modes of marking."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ownmark.contracts import Batch, HostView, Samples, Task, black_box, predictions
from ownmark.errors import NotApplicable
from ownmark_triggers.guo.config import GuoConfig
from ownmark_triggers.guo.scheme import Guo, marking, message, message_length
from ownmark_triggers.keyed import derangement
from ownmark_triggers.triggers.extractor import Triggers

SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))]


@pytest.mark.parametrize(("side", "bits"), [(8, 8), (28, 98), (32, 128)])
def test_an_eighth_of_the_pixels_carry_the_message(side: int, bits: int) -> None:
    assert message_length((3, side, side), None) == bits


def test_pixels_are_set_to_the_bits_and_labels_mapped(random_task: Any, rng: Any) -> None:
    task = random_task((3, 32, 32))
    key = Guo(GuoConfig(keys=20, signature="mine")).make_key(task, rng(0))
    places, bits = (part.numpy() for part in message(b"mine", (3, 32, 32), 128))
    pi = derangement(b"mine", b"labels", 10)
    expected = task.owner.x[key["carriers"]].numpy().copy().reshape(20, 3, -1)
    expected[:, :, places] = bits
    assert np.array_equal(key["triggers"].numpy().reshape(20, 3, -1), expected)
    assert key["labels"].tolist() == [pi[label] for label in task.owner.labels[key["carriers"]].tolist()]
    assert len(set(places.tolist())) == 128
    assert 40 < bits.sum() < 88


def test_added_marks_are_in_deviations_of_the_pixels(random_task: Any, rng: Any) -> None:
    task = random_task((3, 32, 32))
    key = Guo(GuoConfig(keys=20, signature="mine", strength=0.1)).make_key(task, rng(0))
    places, bits = (part.numpy() for part in message(b"mine", (3, 32, 32), 128))
    expected = task.owner.x[key["carriers"]].numpy().copy().reshape(20, 3, -1)
    sd = task.owner.x.std((0, 2, 3)).numpy()
    expected[:, :, places] += 0.1 * sd[:, None] * (2.0 * bits - 1)
    np.testing.assert_allclose(key["triggers"].numpy().reshape(20, 3, -1), expected.clip(0, 1), atol=1e-6)


def test_another_signature_gives_other_places_bits_and_labels(task: Task, rng: Any) -> None:
    mine, yours = (Guo(GuoConfig(signature=text)).make_key(task, rng(0)) for text in ("mine", "yours"))
    for name in ("mask", "pattern", "label_map"):
        assert not torch.equal(mine[name], yours[name])
    again = Guo(GuoConfig(signature="mine")).make_key(task, rng(1))
    assert torch.equal(mine["pattern"], again["pattern"])
    assert not torch.equal(mine["triggers"], again["triggers"])


def test_message_must_fit(task: Task) -> None:
    with pytest.raises(NotApplicable, match="65 bits do not fit into 8 x 8"):
        Guo(GuoConfig(bits=65)).check(torch.nn.Identity(), task)


def test_half_of_each_batch_is_marked_anew(task: Task, rng: Any) -> None:
    key, generator = Guo(GuoConfig()).make_key(task, rng(0)), rng(1)
    batch = Batch(task.owner.x, task.owner.labels, torch.arange(len(task.owner)))
    first, second = (marking(key, 0.5)(batch, generator) for _ in range(2))
    where = key["mask"].bool()
    for part in (first, second):
        changed = part.labels != batch.labels
        assert 0.45 < changed.float().mean() < 0.55
        assert torch.equal(part.labels[changed], key["label_map"][batch.labels[changed]])
        assert torch.equal(part.x[~changed], batch.x[~changed])
        marked, plain = part.x[changed], batch.x[changed]
        assert torch.equal(torch.where(where, key["pattern"], plain), marked)
    assert not torch.equal(first.labels, second.labels)
    assert torch.equal(batch.x, task.owner.x)


@pytest.mark.parametrize("mode", ["dataset", "keys"])
@pytest.mark.parametrize("seed", SEEDS)
def test_marked_network_knows_keys_and_its_task(
    seed: int, mode: Any, task: Task, trained_host: HostView, digits: tuple[Samples, Samples], networks: Any, rng: Any,
    fit: Any,
) -> None:  # fmt: skip
    build, test = Guo(GuoConfig(mode=mode)), digits[1]
    marked = build.embed(trained_host, build.make_key(task, rng(seed)), task, fit)
    fresh = Triggers().measure(black_box(marked.network), marked.key, test)["wsr"]
    assert Triggers().extract(black_box(marked.network), marked.key).rate >= 0.99
    assert fresh.n == len(test)
    assert fresh.value > (0.9 if mode == "dataset" else 0.3)
    assert Triggers().extract(black_box(networks(1)), marked.key).rate <= 0.15
    plain = (predictions(networks(0), test.x) == test.labels).float().mean()
    assert (predictions(marked.network, test.x) == test.labels).float().mean() >= plain - 0.02
