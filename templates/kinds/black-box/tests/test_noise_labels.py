"""The triggers by their definition, and a reader that counts what it is told."""

import torch
from acme_marks.noise_labels.extractor import NoiseLabelsReader
from acme_marks.noise_labels.scheme import noise_triggers

from ownmark.contracts import BlackBox, Key


def test_triggers_are_noise_with_uniform_labels() -> None:
    drawn = noise_triggers(2000, (1, 4, 4), 5, torch.Generator().manual_seed(0))
    assert abs(float(drawn.x.mean()) - 0.5) < 0.01
    assert abs(float(drawn.x.var()) - 1 / 12) < 0.01
    assert (drawn.labels.bincount(minlength=5) / 2000 - 0.2).abs().max() < 0.05


def test_the_reader_counts_labels_that_match() -> None:
    key = Key(
        "noise_labels",
        {"triggers": torch.zeros(4, 1, 2, 2), "labels": torch.tensor([0, 1, 2, 1])},
        {"classes": 3},
    )
    found = NoiseLabelsReader().extract(BlackBox(lambda x: torch.tensor([0, 1, 0, 0])), key)
    assert (found.hits, found.n, found.chance) == (2, 4, 1 / 3)
