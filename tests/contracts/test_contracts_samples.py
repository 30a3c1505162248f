"""Samples, and the batches a training step sees."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ownmark.contracts import Batch, Samples


def numbered(count: int, labelled: bool = True) -> Samples:
    """Image i is filled with i and has label i."""
    x = torch.arange(count, dtype=torch.float32).reshape(-1, 1, 1, 1).expand(-1, 1, 2, 2).contiguous()
    return Samples(x, torch.arange(count) if labelled else None)


def batch_of(samples: Samples) -> Batch:
    return Batch(samples.x, samples.y, torch.arange(len(samples)))


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x.flatten(1)


def test_samples_refuse_labels_of_another_number() -> None:
    with pytest.raises(ValueError, match="3 images but 2 labels"):
        Samples(torch.zeros(3, 1, 2, 2), torch.zeros(2))


def test_selecting_keeps_the_order_of_positions() -> None:
    assert numbered(5).select(torch.tensor([4, 0, 0])).labels.tolist() == [4, 0, 0]


def test_selecting_by_a_mask_keeps_images_with_their_labels() -> None:
    chosen = numbered(4).select(torch.tensor([True, False, False, True]))
    assert chosen.labels.tolist() == chosen.x[:, 0, 0, 0].tolist() == [0, 3]


def test_selecting_from_unlabelled_samples_gives_unlabelled_ones() -> None:
    assert numbered(3, labelled=False).select(torch.tensor([2])).y is None


def test_unlabelled_samples_have_no_labels_to_ask_for() -> None:
    with pytest.raises(ValueError, match="unlabelled"):
        numbered(3).unlabelled().labels  # noqa: B018
    with pytest.raises(ValueError, match="unlabelled"):
        batch_of(numbered(3, labelled=False)).labels  # noqa: B018


def test_a_sum_is_labelled_only_if_both_sides_are() -> None:
    both = numbered(2) + numbered(3)
    assert both.labels.tolist() == [0, 1, 0, 1, 2]
    assert (numbered(2) + numbered(3, labelled=False)).y is None
    assert len(numbered(2, labelled=False) + numbered(3)) == 5


def test_a_batch_computes_the_output_once_however_many_terms_ask() -> None:
    network, batch = Counting(), batch_of(numbered(3))
    first, second = batch.output(network), batch.output(network)
    assert network.calls == 1
    assert first is second


def test_another_network_gets_its_own_output() -> None:
    network, other, batch = Counting(), Counting(), batch_of(numbered(3))
    batch.output(network)
    batch.output(other)
    assert (network.calls, other.calls) == (1, 1)


def test_other_pixels_mean_another_output() -> None:
    network, batch = Counting(), batch_of(numbered(3))
    batch.output(network)
    changed = batch.with_images(batch.x + 1)
    assert torch.equal(changed.output(network), batch.x.flatten(1) + 1)
    assert network.calls == 2
    assert torch.equal(changed.index, batch.index)


def test_appended_rows_are_marked_by_the_index_minus_one() -> None:
    longer = batch_of(numbered(2)).append(numbered(3))
    assert longer.index.tolist() == [0, 1, -1, -1, -1]
    assert longer.labels.tolist() == [0, 1, 0, 1, 2]
    assert len(longer.x) == 5


def test_appending_to_an_unlabelled_batch_leaves_it_unlabelled() -> None:
    assert batch_of(numbered(2, labelled=False)).append(numbered(1)).y is None


def test_appending_forgets_the_former_output() -> None:
    network, batch = Counting(), batch_of(numbered(2))
    batch.output(network)
    assert len(batch.append(numbered(1)).output(network)) == 3
