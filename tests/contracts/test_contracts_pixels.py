"""Images kept as bytes, joined, and in files: read, they are what floats would have been, to the bit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ownmark.contracts import Batch, Pixels, Samples

COUNT, SHAPE = 40, (3, 5, 4)


def levels(seed: int, count: int = COUNT) -> Tensor:
    """Bytes [count, 3, 5, 4], all 256 levels among them."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, *SHAPE), dtype=np.uint8)
    images.reshape(-1)[:256] = np.arange(256)
    return torch.from_numpy(images)


def wanted(images: Tensor) -> Tensor:
    """The definition: level / 255 in float32, by numpy."""
    return torch.from_numpy(images.numpy().astype(np.float32) / np.float32(255))


def in_memory(images: Tensor, folder: Path) -> Samples:
    return Samples(images, torch.arange(len(images)))


def in_file(images: Tensor, folder: Path) -> Samples:
    """As files keep images: channels last, seen through a view."""
    np.save(folder / "images.npy", images.permute(0, 2, 3, 1).contiguous().numpy())
    stored = np.load(folder / "images.npy", mmap_mode="c")
    pixels = Pixels.in_file(torch.from_numpy(stored.transpose(0, 3, 1, 2)))
    return Samples(pixels, torch.arange(len(images)))


def joined(images: Tensor, folder: Path) -> Samples:
    """Bytes and floats in one set."""
    first, second = images[:25], images[25:]
    return Samples(first, torch.arange(25)) + Samples(wanted(second), torch.arange(25, len(images)))


def joined_in_file(images: Tensor, folder: Path) -> Samples:
    first = in_file(images[:25], folder)
    return first + Samples(wanted(images[25:]), torch.arange(25, len(images)))


KEPT: dict[str, Callable[[Tensor, Path], Samples]] = {
    "in memory": in_memory, "in a file": in_file, "joined": joined, "joined to a file": joined_in_file,
}  # fmt: skip
kept = pytest.mark.parametrize("make", KEPT.values(), ids=KEPT)


@kept
def test_all_levels_are_read_as_floats_to_the_bit(make: Callable[..., Samples], tmp_path: Path) -> None:
    images = levels(0)
    found = make(images, tmp_path)
    assert torch.equal(found.x, wanted(images))
    assert found.x.is_contiguous()
    assert (len(found), found.shape, found.device) == (COUNT, torch.Size(SHAPE), torch.device("cpu"))


@kept
@pytest.mark.parametrize(
    "index",
    [
        torch.tensor([39, 0, 0, 26, 24]),
        torch.arange(COUNT) % 3 == 0,
        torch.tensor([-1, -40]),
        torch.arange(0),
    ],
    ids=["positions", "mask", "from the end", "none"],
)
def test_selected_rows_are_those_of_the_floats(
    make: Callable[..., Samples], index: Tensor, tmp_path: Path
) -> None:
    images = levels(1)
    found = make(images, tmp_path).select(index)
    assert torch.equal(found.x, wanted(images)[index])
    assert found.labels.tolist() == torch.arange(COUNT)[index].tolist()
    if len(index) == 5:
        assert torch.equal(found.select(torch.tensor([3, 1])).x, wanted(images)[[26, 0]])
        assert found.x.is_contiguous()


@kept
def test_positions_beyond_the_end_are_an_error(make: Callable[..., Samples], tmp_path: Path) -> None:
    with pytest.raises(IndexError):
        make(levels(2), tmp_path).select(torch.tensor([COUNT]))


@kept
def test_sums_are_sums_of_floats(make: Callable[..., Samples], tmp_path: Path) -> None:
    images, more = levels(3), levels(4)
    found = (
        make(images, tmp_path) + Samples(more, torch.zeros(COUNT)) + Samples(wanted(more), torch.ones(COUNT))
    )
    assert torch.equal(found.x, torch.cat([wanted(images), wanted(more), wanted(more)]))
    turned = Samples(wanted(more), torch.zeros(COUNT)) + make(images, tmp_path)
    assert torch.equal(turned.x, torch.cat([wanted(more), wanted(images)]))


def test_bytes_take_a_quarter_of_the_memory_also_after_a_sum() -> None:
    both = Samples(levels(5)) + Samples(levels(6))
    (part,) = both.pixels.parts
    assert (part.dtype, part.nbytes * 4) == (torch.uint8, both.x.nbytes)


def test_files_are_not_copied_by_selecting_and_moving(tmp_path: Path) -> None:
    whole = in_file(levels(7), tmp_path)
    part = whole.select(torch.arange(30)).to("cpu").select(torch.arange(9)) + Samples(torch.zeros(1, *SHAPE))
    assert part.pixels.shares_memory(whole.pixels)
    assert not part.pixels.shares_memory(Samples(levels(7)).pixels)
    part.x.zero_()
    assert torch.equal(whole.x, wanted(levels(7)))


def test_floats_are_handed_out_as_they_were_given() -> None:
    x = torch.rand(3, *SHAPE)
    assert Samples(x).x is x
    assert Samples(x).to("cpu").x is x


def test_sets_of_other_shapes_cannot_be_joined() -> None:
    with pytest.raises(ValueError, match=r"images of \[3, 5, 4\] and \[1, 5, 4\]"):
        Samples(levels(8)) + Samples(torch.zeros(2, 1, 5, 4))


def test_empty_sets_join_to_the_other() -> None:
    nothing, some = Samples(levels(9)).first(0), Samples(torch.rand(2, *SHAPE))
    assert torch.equal((nothing + some).x, some.x)
    assert torch.equal((some + nothing).x, some.x)


def test_samples_stay_a_dataclass() -> None:
    """What packs written for sets of floats may do."""
    samples = Samples(levels(10), torch.arange(COUNT))
    other = dataclasses.replace(samples, y=None)
    assert other.y is None
    assert torch.equal(other.x, samples.x)
    with pytest.raises(dataclasses.FrozenInstanceError):
        samples.y = None  # type: ignore[misc]
    with pytest.raises(TypeError):
        Samples()  # type: ignore[call-arg]


def test_labels_are_exchanged_without_a_copy() -> None:
    samples = Samples(levels(11), torch.zeros(COUNT))
    assert samples.labelled(torch.ones(COUNT)).pixels is samples.pixels
    assert samples.unlabelled().pixels is samples.pixels


def test_a_batch_takes_bytes_as_floats() -> None:
    batch = Batch(torch.zeros(1, *SHAPE), torch.zeros(1), torch.tensor([0]))
    assert torch.equal(batch.append(Samples(levels(12), torch.ones(COUNT))).x[1:], wanted(levels(12)))
