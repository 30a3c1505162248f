"""Means and loss by their definitions, in plain Python."""

import torch

from acme_marks.group_mean.groups import draw_groups, group_means, message_loss


def test_means_and_loss_by_their_definitions() -> None:
    weight, groups = torch.randn(50, generator=torch.Generator().manual_seed(0)), draw_groups(50, 4, 7)
    means = group_means(weight, groups, 4)
    sizes = [0, 0, 0, 0]
    for bit in range(4):
        members = [float(w) for w, g in zip(weight, groups, strict=True) if int(g) == bit]
        sizes[bit] = len(members)
        assert abs(float(means[bit]) - sum(members) / len(members)) < 1e-6
    assert max(sizes) - min(sizes) <= 1
    bits = torch.tensor([1, 0, 1, 1])
    expected = sum(max(0.0, 0.1 - (1 if b else -1) * float(m)) for m, b in zip(means, bits, strict=True))
    assert abs(float(message_loss(means, bits, 0.1)) - expected) < 1e-6
