"""Pure functions on pixels, against few-line oracles."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ownmark.builtin.datasets.pixels import decode, enlarge, first_balanced, planes, samples


def test_decode_inverts_the_coding(encode):
    images = np.random.default_rng(1).integers(0, 256, (4, 7, 5, 3), dtype=np.uint8)
    assert np.array_equal(decode(encode(images)), images)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 10, 11, 99])
def test_first_balanced_takes_class_by_class_in_turn(n):
    labels = np.array([2, 2, 0, 0, 0, 1, 0, 2, 2, 0, 0])
    queues = {c: [i for i, y in enumerate(labels) if y == c] for c in range(3)}
    expected: list[int] = []
    while len(expected) < min(n, len(labels)):
        for c in range(3):
            if queues[c] and len(expected) < n:
                expected.append(queues[c].pop(0))
    assert first_balanced(labels, n).tolist() == sorted(expected)


def test_no_limit_takes_all():
    assert first_balanced(np.array([1, 0, 1]), None).tolist() == [0, 1, 2]


@pytest.mark.parametrize(("shape", "expected"), [((2, 4, 3), (2, 1, 4, 3)), ((2, 4, 3, 1), (2, 1, 4, 3)),
                                                 ((2, 4, 3, 3), (2, 3, 4, 3))])  # fmt: skip
def test_samples_have_channels_first_and_scaled(shape, expected):
    images = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
    assert planes(images).shape == expected
    x = samples(images, np.arange(2), None).x
    assert (tuple(x.shape), x.dtype) == (expected, torch.float32)
    assert x[1, 0, 2, 1] * 255 == pytest.approx(float(images[1, 2, 1].flat[0]))


def test_enlarge_clamps_overshoot():
    x = torch.zeros(1, 1, 8, 8)
    x[..., 4:] = 1
    large = enlarge(x, 32)
    assert (tuple(large.shape), float(large.min()), float(large.max())) == ((1, 1, 32, 32), 0, 1)
    assert enlarge(x, 8) is x


def test_samples_share_no_memory_with_the_arrays():
    images, labels = np.full((3, 2, 2), 255, np.uint8), np.array([0, 1, 2])
    found = samples(images, labels, None)
    found.pixels.parts[0].zero_()
    found.labels.zero_()
    assert images.min() == 255
    assert labels.tolist() == [0, 1, 2]
