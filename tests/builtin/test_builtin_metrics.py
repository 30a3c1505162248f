"""Metrics against few-line oracles, in one update and in several."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from ownmark.builtin.metrics.declared import METRICS
from ownmark.methods import Need

DECLARED = {declaration.id: declaration for declaration in METRICS}
MATCHES = torch.tensor([True, True, False, True, True, False, True, True])


def metric(id, **params):
    return DECLARED[id].load()(**params)


@pytest.fixture
def answers():
    rng = torch.Generator().manual_seed(0)
    return [torch.rand(30, 4, generator=rng) for _ in range(2)], torch.randint(4, (30,), generator=rng)


def rows(tensor):
    return tensor.tolist()


def test_accuracy(answers):
    (logits, _), labels = answers
    expected = sum(
        max(range(4), key=row.__getitem__) == y for row, y in zip(rows(logits), rows(labels), strict=True)
    )
    counter = metric("accuracy")
    counter.update(logits[:7], labels[:7])
    counter.update(logits[7:], labels[7:])
    assert (int(counter.hits), int(counter.total)) == (expected, 30)
    assert float(counter.compute()) == pytest.approx(expected / 30)


def test_agreement(answers):
    (a, b), _ = answers
    expected = sum(
        max(range(4), key=p.__getitem__) == max(range(4), key=q.__getitem__)
        for p, q in zip(rows(a), rows(b), strict=True)
    )
    counter = metric("agreement")
    counter.update(a, b)
    assert (int(counter.hits), int(counter.total)) == (expected, 30)
    counter.reset()
    counter.update(a, 3 * a - 1)
    assert float(counter.compute()) == 1


def test_watermark_accuracy_and_bit_error_rate_add_up_to_one():
    right, wrong = metric("watermark_accuracy"), metric("bit_error_rate")
    right.update(MATCHES)
    wrong.update(MATCHES)
    assert (float(right.compute()), float(wrong.compute())) == (0.75, 0.25)
    assert (int(right.hits), int(wrong.hits), int(wrong.total)) == (6, 2, 8)


def test_stored_bytes_count_as_bools():
    counter = metric("bit_error_rate")
    counter.update(MATCHES.to(torch.uint8))
    assert int(counter.hits) == 2


@pytest.mark.parametrize("id", ["watermark_accuracy", "bit_error_rate"])
def test_proportion_of_nothing_is_nan(id):
    counter = metric(id)
    counter.update(MATCHES[:0])
    assert math.isnan(float(counter.compute()))


@pytest.mark.parametrize(
    ("theta", "theta_prime", "expected"),
    [(0.75, 0.5, 0.5), (0.5, 0.5, 0.75), (0.9, 0.5, 0.0), (0.75, 0.2, 0.2), (1.0, 0.5, 0.0)],
)
def test_rescaled_accuracy(theta, theta_prime, expected):
    counter = metric("rescaled_accuracy", theta_prime=theta_prime)
    counter.update(MATCHES[:3], theta)
    counter.update(MATCHES[3:], theta)
    assert float(counter.compute()) == pytest.approx(expected)


def test_rescaled_accuracy_of_a_full_match_is_one_even_at_theta_one():
    counter = metric("rescaled_accuracy")
    counter.update(torch.ones(5, dtype=torch.bool), 1.0)
    assert float(counter.compute()) == 1


def test_rescaled_accuracy_is_nan_where_no_claim_is_possible():
    counter = metric("rescaled_accuracy")
    counter.update(MATCHES, 9 / 8)
    assert math.isnan(float(counter.compute()))


def test_rescaled_accuracy_refuses_a_second_threshold_until_reset():
    counter = metric("rescaled_accuracy")
    counter.update(MATCHES, 0.75)
    with pytest.raises(ValueError, match=r"the threshold was 0\.75, and is now 0\.5"):
        counter.update(MATCHES, 0.5)
    counter.reset()
    counter.update(MATCHES, 0.5)
    assert float(counter.compute()) == pytest.approx(0.75)


def test_rescaled_accuracy_offers_no_counts_for_a_wrong_interval():
    assert not hasattr(metric("rescaled_accuracy"), "hits")


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def distance(a, b):
    counter = metric("relative_weight_distance")
    counter.update(a, b)
    return float(counter.compute())


def test_relative_weight_distance_against_flat_vectors():
    one, other = network(), network()
    for parameter in other.parameters():
        nn.init.normal_(parameter)
    w, w0 = (torch.cat([p.detach().flatten() for p in n.parameters()]) for n in (one, other))
    assert distance(one, other) == pytest.approx(float((w - w0).norm() / w0.norm()), rel=1e-6)


def test_relative_weight_distance_of_a_scaled_copy():
    one, other = network(), network()
    with torch.no_grad():
        for parameter in one.parameters():
            parameter.mul_(1.5)
    assert distance(one, other) == pytest.approx(0.5)
    assert distance(other, other) == 0


def test_buffers_do_not_count():
    one = network()
    other = copy.deepcopy(one)
    other[1].running_mean.add_(3)
    assert distance(one, other) == 0


def test_layers_without_counterpart_are_left_out():
    one, other = network(), network()
    one[2] = nn.Linear(4, 5)
    assert distance(one, other) == 0


def test_networks_without_common_parameters_are_nowhere():
    assert math.isnan(distance(nn.Linear(2, 2), network()))


def test_directions_and_needs():
    found = {id: (metric(id).higher_is_better, set(d.needs)) for id, d in DECLARED.items()}
    assert found == {
        "accuracy": (True, {Need.PREDICTIONS}),
        "agreement": (True, {Need.REFERENCE}),
        "watermark_accuracy": (True, {Need.EVIDENCE}),
        "bit_error_rate": (False, {Need.EVIDENCE}),
        "rescaled_accuracy": (True, {Need.THRESHOLD}),
        "relative_weight_distance": (False, {Need.WEIGHTS}),
    }
