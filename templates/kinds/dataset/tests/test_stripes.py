"""Against the formula, pixel by pixel."""

import math

import torch
from acme_marks.stripes.dataset import stripes


def test_pixels_follow_the_formula() -> None:
    labels, phases = torch.tensor([0, 1, 3]), torch.tensor([0.0, 0.4, 2.0])
    images = stripes(labels, phases)
    for n, (label, phase) in enumerate(zip(labels.tolist(), phases.tolist(), strict=True)):
        for v, u in ((0, 0), (3, 5), (11, 2)):
            along = u * math.cos(label * math.pi / 4) + v * math.sin(label * math.pi / 4)
            expected = 0.5 + 0.5 * math.sin(2 * math.pi * along / 4 + phase)
            assert math.isclose(float(images[n, 0, v, u]), expected, abs_tol=1e-5)
