"""`digits`: the split is fixed for good."""

from __future__ import annotations

import pytest
import torch

from ownmark.builtin.datasets.config import DigitsConfig
from ownmark.builtin.datasets.digits import Digits


def load(**params):
    return Digits(DigitsConfig(**params)).load()


def test_sizes_range_and_balance():
    images = load()
    assert (len(images.train), len(images.test), images.classes, images.shape) == (1397, 400, 10, (1, 8, 8))
    assert (images.train.x.dtype, images.train.labels.dtype) == (torch.float32, torch.int64)
    assert (float(images.train.x.min()), float(images.train.x.max())) == (0, 1)
    counts = images.test.labels.bincount()
    assert 38 <= int(counts.min()) <= int(counts.max()) <= 41


def test_train_and_test_are_all_of_the_digits():
    from sklearn.datasets import load_digits

    images = load()
    found = torch.cat([images.train.x, images.test.x]).flatten(1).mul(16).round().int()
    assert sorted(map(tuple, found.tolist())) == sorted(map(tuple, load_digits().data.astype(int).tolist()))


def test_split_is_the_one_all_published_figures_rest_on():
    assert Digits(DigitsConfig()).fingerprint() == "30c8ec9d67911215"


@pytest.mark.parametrize("size", [16, 32])
def test_enlarged(size):
    images = load(size=size)
    assert images.shape == (1, size, size)
    assert 0 <= float(images.train.x.min()) <= float(images.train.x.max()) <= 1


def test_limits_are_balanced_and_a_prefix_of_the_whole():
    images, whole = load(limit_train=50, limit_test=20), load()
    assert images.train.labels.bincount().tolist() == [5] * 10
    assert images.test.labels.bincount().tolist() == [2] * 10
    assert torch.equal(images.train.x[0], whole.train.x[0])


def test_changing_what_was_loaded_changes_no_later_load():
    load().train.x.zero_()
    assert float(load().train.x.max()) == 1
