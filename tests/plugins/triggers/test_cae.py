"""Conferrable adversarial examples: the loss and its direction, the bound, the labels, and who inherits them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ownmark.contracts import Batch, HostView, Recipe, Task, black_box, outputs, predictions
from ownmark.errors import NotApplicable
from ownmark.loops import Fitter
from ownmark.stats import calibrated_threshold
from ownmark_triggers.cae.config import CaeConfig
from ownmark_triggers.cae.scheme import Cae, answered, doubtful, usual_eps
from ownmark_triggers.cae.search import (
    Ensembles,
    conferrability,
    fingerprints,
    search_loss,
    searched,
    some_of,
)
from ownmark_triggers.triggers.extractor import Triggers


@pytest.fixture
def models(networks: Any) -> Ensembles:
    return Ensembles(networks(0), [networks(1), networks(2)], [networks(3), networks(4)])


def test_conferrability_wants_copies_to_agree_and_strangers_not_to() -> None:
    one, other = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    assert conferrability(one, other).tolist() == [[1.0, 0.0]]
    assert conferrability(one, one).tolist() == [[0.0, 0.0]]
    half = torch.tensor([[0.5, 0.5]])
    assert conferrability(half, half).tolist() == [[0.25, 0.25]]


def test_loss_is_the_sum_of_its_three_terms(rng: Any) -> None:
    p = [torch.rand((6, 4), generator=rng(i)).softmax(1) for i in range(4)]
    before, source, surrogates, references = p
    config = CaeConfig(conferrable=2.0, away=3.0, agreeing=5.0)
    for i, found in enumerate(search_loss(before, source, surrogates, references, config)):
        best = max(surrogates[i][t] * (1 - references[i][t]) for t in range(4))
        away = -sum(before[i][t] * source[i][t].log() for t in range(4))
        agree = -sum(source[i][t] * surrogates[i][t].log() for t in range(4))
        assert found.item() == pytest.approx(float(-2 * best.log() - 3 * away + 5 * agree), rel=1e-4)


def test_dropout_keeps_some_and_never_none(rng: Any) -> None:
    pool = [nn.Identity() for _ in range(10)]
    sizes = [len(some_of(pool, 0.7, rng(seed))) for seed in range(200)]
    assert sum(sizes) / 2000 == pytest.approx(0.7, abs=0.05)
    assert all(len(some_of(pool[:1], 0.05, rng(seed))) == 1 for seed in range(20))


def test_search_stays_in_its_bound_and_descends(models: Ensembles, digits: Any, rng: Any) -> None:
    x, config = digits[0].x[:40], CaeConfig(steps=25)
    states = [
        {name: tensor.clone() for name, tensor in network.state_dict().items()}
        for network in (models.source, *models.surrogates, *models.references)
    ]
    found = searched(models, x, 0.1, config, rng(0))
    assert (found - x).abs().max() <= 0.1 + 1e-6
    assert 0 <= found.min() <= found.max() <= 1
    assert torch.equal(found, searched(models, x, 0.1, config, rng(0)))

    def loss(x_new: Tensor) -> float:
        soft = [outputs(n, x_new).softmax(1) for n in (models.source, *models.surrogates, *models.references)]
        before = outputs(models.source, x).softmax(1)
        surrogates, references = torch.stack(soft[1:3]).mean(0), torch.stack(soft[3:]).mean(0)
        return search_loss(before, soft[0], surrogates, references, config).mean().item()

    assert loss(found) < loss(x)
    for network, state in zip((models.source, *models.surrogates, *models.references), states, strict=True):
        assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())
        assert all(parameter.grad is None for parameter in network.parameters())


def test_keys_are_labelled_by_the_owner_wrongly_and_conferrable(
    models: Ensembles, digits: Any, rng: Any
) -> None:
    x, y, config = digits[0].x[:120], digits[0].labels[:120], CaeConfig(least=0.3, steps=40, keys=5)
    models.source.train()
    keys, labels, scores = fingerprints(models, x, y, 0.2, config, rng(0))
    assert models.source.training
    assert 0 < len(keys) <= 5
    assert torch.equal(labels, predictions(models.source, keys))
    origin = [int((x - key).abs().amax((1, 2, 3)).argmin()) for key in keys]
    assert (y[origin] != labels).all()
    soft = [[outputs(n, keys).softmax(1) for n in group] for group in (models.surrogates, models.references)]
    expected = torch.stack(soft[0]).mean(0) * (1 - torch.stack(soft[1]).mean(0))
    assert torch.allclose(scores, expected.gather(1, labels[:, None])[:, 0], atol=1e-6)
    assert scores.min() >= 0.3
    assert torch.equal(scores, scores.sort(descending=True).values)


def test_search_starts_from_right_and_doubtful_images(networks: Any, digits: Any) -> None:
    test = digits[1]
    found = doubtful(networks(0), test)
    assert len(found) == int((predictions(networks(0), test.x) == test.labels).sum()) < len(test)
    certainty = outputs(networks(0), found.x).softmax(1).amax(1)
    assert torch.allclose(certainty, certainty.sort().values, atol=1e-5)


def test_copies_learn_the_owners_answers_to_mixed_images(networks: Any, digits: Any, rng: Any) -> None:
    batch = Batch(digits[0].x[:64], digits[0].labels[:64], torch.arange(64))
    seen = answered(networks(0), 0.5, 0.2)(batch, rng(0))
    assert torch.equal(seen.labels, predictions(networks(0), seen.x))
    assert 0 <= seen.x.min() <= seen.x.max() <= 1
    assert not torch.equal(seen.x, batch.x)
    plain = answered(networks(0), 0.0, 0.0)(batch, rng(0))
    assert torch.equal(plain.x, batch.x)


@pytest.mark.parametrize(("side", "eps"), [(8, 0.15), (28, 0.15), (32, 0.025)])
def test_bound_follows_the_image_size(side: int, eps: float) -> None:
    assert usual_eps(side, side) == eps


def test_key_before_the_search_is_a_function_of_the_generator(task: Task, rng: Any) -> None:
    build = Cae(CaeConfig(keys=10))
    key = build.make_key(task, rng(0))
    assert key.digest() == build.make_key(task, rng(0)).digest() != build.make_key(task, rng(1)).digest()
    assert len(key["carriers"].unique()) == len(key["carriers"]) == 200


def test_one_class_has_no_wrong_label(random_task: Any) -> None:
    task = random_task((1, 8, 8))
    with pytest.raises(NotApplicable, match="one class only"):
        Cae(CaeConfig()).check(nn.Identity(), Task("one", task.shape, 1, task.owner))


def test_too_few_keys_are_no_key(trained_host: HostView, task: Task, rng: Any, looking: Any) -> None:
    build = Cae(CaeConfig(eps=1e-4, steps=1, keys=10, surrogates=1, references=1))
    with pytest.raises(NotApplicable, match=r"0 conferrable images out of \d+ tried"):
        build.embed(trained_host, build.make_key(task, rng(0)), task, looking)


def check_seed(seed: int, host: HostView, task: Task, networks: Any, rng: Any, **changes: Any) -> None:
    build, reader = Cae(CaeConfig(**changes)), Triggers()
    fit = Fitter(torch.device("cpu"), rng(seed))
    marked = build.embed(host, build.make_key(task, rng(seed)), task, fit)
    original = networks(0).state_dict()
    assert all(torch.equal(tensor, original[name]) for name, tensor in marked.network.state_dict().items())
    found = reader.extract(black_box(marked.network), marked.key)
    assert found.rate == 1.0
    nulls = [[reader.extract(black_box(networks(i)), marked.key).hits] for i in range(10, 14)]
    theta = calibrated_threshold(nulls, found.n, 0.05).theta
    assert theta <= 1
    assert sum(reader.extract(black_box(networks(i)), marked.key).rate >= theta for i in range(14, 17)) <= 1
    tuned = fit(networks(0), task.owner, Recipe(epochs=3, lr=0.01, schedule="constant"))
    assert reader.extract(black_box(tuned), marked.key).rate >= theta
    recipe = Recipe(epochs=12, lr=0.05, batch_size=64, schedule="one-cycle")
    copied = fit(host.blank(rng(9)), task.owner, recipe, transforms=(answered(networks(0), 0.5, 0.2),))
    assert reader.extract(black_box(copied), marked.key).rate >= theta


def test_copies_inherit_the_fingerprint_and_strangers_do_not(
    trained_host: HostView, task: Task, networks: Any, rng: Any
) -> None:
    check_seed(0, trained_host, task, networks, rng, keys=20, surrogates=2, references=2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_so_do_other_seeds_by_default(
    seed: int, trained_host: HostView, task: Task, networks: Any, rng: Any
) -> None:
    check_seed(seed, trained_host, task, networks, rng)
