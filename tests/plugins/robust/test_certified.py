"""Certified marks: gradients under noise, the bound's order statistic, and the certificate against real movement."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from scipy.stats import binom, norm
from torch import nn

from ownmark.contracts import Key, Samples, Task, WhiteBox
from ownmark.errors import NotApplicable
from ownmark_robust.certified.certificate import certified, median_row, noisy_matches, rank
from ownmark_robust.certified.config import CertificateConfig, CertifiedConfig
from ownmark_robust.certified.extractor import Certificate
from ownmark_robust.certified.lessons import level_gradients
from ownmark_robust.certified.scheme import Certified


@pytest.mark.parametrize(("draws", "quantile"), [(1000, 0.5), (1000, norm.cdf(-1.0)), (200, 0.1), (20, 0.2)])
def test_rank_is_the_largest_with_the_confidence(draws: int, quantile: float) -> None:
    tails = [binom.sf(k - 1, draws, quantile) for k in range(draws + 1)]
    assert rank(draws, quantile, 0.99) == max(k for k, tail in enumerate(tails) if tail >= 0.99)


def test_too_few_draws_certify_nothing() -> None:
    assert rank(10, 0.01, 0.99) == 0
    assert certified([1.0] * 10, 1.0, 2.5, 0.99) == 0


def test_bound_falls_with_the_radius_and_begins_below_the_median(rng: Any) -> None:
    rates = torch.rand(1000, generator=rng(0)).tolist()
    bounds = [certified(rates, 1.0, radius, 0.99) for radius in (0, 0.2, 0.5, 1.0, 2.0)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[0] <= sorted(rates)[500]
    assert bounds[0] == pytest.approx(0.5, abs=0.1)


def test_median_row_is_a_copy_in_the_middle() -> None:
    matches = torch.tensor([[1, 1, 1], [0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1]], dtype=torch.bool)
    assert int(median_row(matches).sum()) == 1


def test_gradient_under_noise_is_the_mean_over_draws() -> None:
    network, sd = nn.Linear(3, 2), 0.7
    batch = Samples(torch.randn(5, 3), torch.tensor([0, 1, 0, 1, 1]))
    found = level_gradients(network, batch, sd, 4, torch.Generator().manual_seed(3))
    rng, expected = torch.Generator().manual_seed(3), torch.zeros(2, 3)
    for _ in range(4):
        weight = network.weight.detach() + sd * torch.randn(2, 3, generator=rng)
        bias = network.bias.detach() + sd * torch.randn(2, generator=rng)
        logits = batch.x @ weight.T + bias
        expected += (logits.softmax(1) - F.one_hot(batch.labels, 2)).T @ batch.x / 5 / 4
    torch.testing.assert_close(found["weight"], expected)


def linear_case(draws: int) -> tuple[nn.Module, Samples]:
    """One weight w, triggers x = 1 with label 1 iff w > t: the smoothed accuracy is known in closed form."""
    network = nn.Linear(1, 2, bias=False)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[0.0], [1.5]]))
    return network, Samples(torch.ones(draws, 1), torch.ones(draws, dtype=torch.int64))


def test_noisy_accuracy_of_a_linear_network_is_the_normal_distribution(rng: Any) -> None:
    network, triggers = linear_case(1)
    found = noisy_matches(network, triggers, 1.0, 4000, rng(0)).float().mean()
    assert float(found) == pytest.approx(norm.cdf(1.5 / math.sqrt(2)), abs=0.03)


def test_certificate_holds_for_networks_within_the_radius(rng: Any) -> None:
    network = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    x = torch.randn(60, 4, generator=rng(0))
    triggers = Samples(x, network(x).argmax(1))
    rates = noisy_matches(network, triggers, 0.2, 1000, rng(1)).float().mean(1).tolist()
    bound, radius = certified(rates, 0.2, 0.15, 0.99), 0.15
    parameters, broken = list(network.parameters()), 0
    start = [parameter.detach().clone() for parameter in parameters]
    for trial in range(40):
        delta = [torch.randn(parameter.shape, generator=rng(100 + trial)) for parameter in parameters]
        size = math.sqrt(sum(float(part.square().sum()) for part in delta))
        with torch.no_grad():
            for parameter, origin, part in zip(parameters, start, delta, strict=True):
                parameter.copy_(origin + radius * part / size)
        median = noisy_matches(network, triggers, 0.2, 201, rng(trial)).float().mean(1).median()
        broken += float(median) < bound
    assert 0 < bound < 1
    assert broken <= 1


def test_extractor_states_bounds_and_conditions(rng: Any) -> None:
    network, triggers = linear_case(6)
    key = Key("any", {"triggers": triggers.x, "labels": triggers.labels})
    reader = Certificate(CertificateConfig(draws=200, radii=(0.2, 1.0)))
    found = reader.extract(WhiteBox(network), key)
    assert found.n == 6
    assert set(found.extras) == {"at least, within 0.2", "at least, within 1", "conditions"}
    again = reader.extract_many(WhiteBox(network), [key, key])
    assert [one.extras for one in again] == [found.extras] * 2


def test_embedding_teaches_noisy_copies(corner: Any, host: Any, task: Task, fit: Any, rng: Any) -> None:
    known = {}
    task = replace(task, owner=task.owner.select(torch.arange(500)))
    host = replace(host, recipe=host.recipe.change(epochs=6))
    for name, levels in (("taught", {"levels": 3, "draws": 2, "warmup": 2}), ("not taught", {"warmup": 99})):
        settings = CertifiedConfig(trigger={"content": {}}, repeats=4, sigma=0.3, **levels)  # type: ignore[arg-type]
        scheme = Certified(settings, trigger=corner)
        fit.rng.manual_seed(0)
        marked = scheme.embed(host, scheme.make_key(task, rng(0)), task, fit)
        triggers = Samples(marked.key["triggers"], marked.key["labels"])
        known[name] = float(noisy_matches(marked.network, triggers, 0.1, 30, rng(1)).float().mean())
        assert set(marked.network.state_dict()) == set(host.blank(rng(0)).state_dict())
    assert known["taught"] > known["not taught"] + 0.1, known


def test_schemes_without_triggers_are_refused_by_certified(
    bits: Any, host: Any, task: Task, rng: Any
) -> None:
    scheme = Certified(CertifiedConfig(trigger={"content": {}}), trigger=bits)  # type: ignore[arg-type]
    with pytest.raises(NotApplicable, match="certified teaches triggers"):
        scheme.check(host.blank(rng(0)), task)
