"""Batched views of images, against doing it image by image."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ownmark.contracts import Batch, Recipe
from ownmark.loops import crop, mirror
from ownmark.loops.augment import augmentation, crop_mirror


def images(count: int = 64) -> Tensor:
    """Every pixel positive, so that padding can be told from image."""
    return torch.rand(count, 3, 6, 8, generator=torch.Generator().manual_seed(0)) + 0.1


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def windows(image: Tensor, pad: int) -> dict[tuple[int, int], Tensor]:
    """All crops of one image [C, H, W], cut out of the padded image one by one."""
    _, height, width = image.shape
    page = torch.zeros(image.shape[0], height + 2 * pad, width + 2 * pad)
    page[:, pad : pad + height, pad : pad + width] = image
    return {
        (top, left): page[:, top : top + height, left : left + width]
        for top in range(2 * pad + 1)
        for left in range(2 * pad + 1)
    }


@pytest.mark.parametrize("pad", [1, 2])
def test_each_image_is_cropped_at_a_place_of_its_own(pad: int) -> None:
    places = []
    for image, cropped in zip(images(), crop(images(), pad, rng()), strict=True):
        found = [place for place, window in windows(image, pad).items() if torch.equal(window, cropped)]
        assert len(found) == 1
        places += found
    assert len(set(places)) > 2 * pad + 1
    assert {top for top, _ in places} == {left for _, left in places} == set(range(2 * pad + 1))


def test_cropping_without_padding_changes_nothing() -> None:
    assert torch.equal(crop(images(), 0, rng()), images())


def test_about_half_of_the_images_are_mirrored_and_the_rest_left() -> None:
    flipped = 0
    for image, seen in zip(images(400), mirror(images(400), rng()), strict=True):
        flipped += torch.equal(seen, torch.stack([row.flip(-1) for row in image]))
        assert torch.equal(seen, image) or torch.equal(seen, image.flip(-1))
    assert 150 < flipped < 250


@pytest.mark.parametrize("view", [lambda x, r: crop(x, 2, r), mirror], ids=["crop", "mirror"])
def test_views_depend_on_the_generator_alone(view: object) -> None:
    first, again, other = (view(images(), rng(seed)) for seed in (0, 0, 1))  # type: ignore[operator]
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("pad", [0, 1, 3])
def test_cropping_and_mirroring_at_once_is_bit_for_bit_one_after_the_other(pad: int) -> None:
    draws, same = rng(7), rng(7)
    if pad == 0:  # `crop` draws nothing then
        torch.randint(1, (2, len(images()), 1), generator=same)
    expected = mirror(crop(images(), pad, same), same)
    assert torch.equal(crop_mirror(images(), pad, draws), expected)
    assert not torch.equal(expected, images())


@pytest.mark.parametrize(("name", "count"), [("none", 0), ("crop", 1), ("crop-flip", 1)])
def test_a_recipe_names_its_views(name: str, count: int) -> None:
    transforms = augmentation(Recipe(augment=name))  # type: ignore[arg-type]
    assert len(transforms) == count
    batch = Batch(images(), torch.arange(64), torch.arange(64))
    for transform in transforms:
        batch = transform(batch, rng())
    assert torch.equal(batch.x, images()) == (count == 0)
    assert batch.labels.tolist() == list(range(64))
