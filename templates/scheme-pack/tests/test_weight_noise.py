"""Noise by its definition: mean, spread, nothing for amount 0."""

import torch

from acme_marks.weight_noise.attack import noisy


def test_noise_has_the_stated_spread() -> None:
    rng = torch.Generator().manual_seed(0)
    weight = 3 * torch.randn(20_000, generator=rng)
    added = noisy(weight, 0.5, rng) - weight
    assert abs(float(added.mean())) < 0.05
    assert abs(float(added.std()) / (0.5 * float(weight.std())) - 1) < 0.03
    assert torch.equal(noisy(weight, 0.0, rng), weight)
