"""PST's steps: bounds, pattern, identity (acceptance checks 1 and 2 of the sheet), and oracles for each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor

from ownmark_pst.pst import spatial
from ownmark_pst.pst.config import PSTConfig, STConfig
from ownmark_pst.pst.spatial import (
    affine_displacement,
    centred,
    elastic_displacement,
    embed_pattern,
    grid_mask,
    pst_transform,
    resize,
    warp,
)

SIDES = [(40, 40), (140, 140), (160, 160), (45, 70)]


def coordinates(height: int, width: int, count: int) -> Tensor:
    """An image whose two channels say where each pixel is, about the centre."""
    return centred(height, width, torch.zeros(1)).permute(2, 0, 1).expand(count, -1, -1, -1)


@pytest.mark.parametrize("size", SIDES, ids=str)
@pytest.mark.parametrize("gamma", [0.5, 15.0, 40.0])
@pytest.mark.parametrize("step", ["affine", "elastic"])
def test_no_pixel_moves_further_than_gamma(size: tuple[int, int], gamma: float, step: str, rng: Any) -> None:
    image = coordinates(*size, count=20)
    if step == "affine":
        field = affine_displacement(image, gamma, rng(0))
    else:
        field = elastic_displacement(image, gamma, 8.0, rng(0))
    moved = (warp(image, field) - image).abs()
    assert moved.max() <= gamma + 1e-3
    assert field.abs().amax((1, 2, 3)) == pytest.approx(gamma, rel=1e-3) or step == "affine"
    assert field.abs().amax((1, 2, 3)).mean() > 0.6 * gamma


def test_coordinate_image_shows_the_displacement_where_it_stays_inside(rng: Any) -> None:
    image = coordinates(160, 160, 4)
    field = elastic_displacement(image, 15.0, 8.0, rng(1))
    seen = (warp(image, field) - image)[:, :, 15:-15, 15:-15]
    assert torch.allclose(seen, field.permute(0, 3, 1, 2)[:, :, 15:-15, 15:-15], atol=1e-3)


def test_affine_displacement_is_rotation_and_shift_in_numpy(rng: Any) -> None:
    found = affine_displacement(torch.zeros(3, 1, 160, 160), 15.0, rng(4)).numpy()
    draw = 2 * torch.rand((3, 3), generator=rng(4)).numpy().astype(np.float64) - 1
    y, x = np.mgrid[:160, :160] - 79.5
    for image, (turn, right, down) in zip(found, draw, strict=True):
        angle = turn * 2 * 15 / 159
        c, s = np.cos(angle), np.sin(angle)
        moved = np.stack([c * x - s * y - x + 15 * right, s * x + c * y - y + 15 * down], axis=-1)
        assert image == pytest.approx(moved * min(1, 15 / np.abs(moved).max()), abs=1e-3)


def test_elastic_field_is_scipys_smoothed_noise(rng: Any) -> None:
    found = elastic_displacement(torch.zeros(2, 1, 60, 50), 7.0, 3.0, rng(2)).numpy()
    noise = 2 * torch.rand((2, 2, 60, 50), generator=rng(2)).numpy() - 1
    for image, raw in zip(found, noise, strict=True):
        field = np.stack([ndimage.gaussian_filter(part, 3.0, mode="mirror", radius=9) for part in raw], -1)
        assert image == pytest.approx(field * 7.0 / np.abs(field).max(), abs=1e-4)


def test_warp_is_scipys_bilinear_map(natural: Any, rng: Any) -> None:
    x = natural((3, 30, 40), 1)
    field = elastic_displacement(x, 6.0, 4.0, rng(3))
    rows, columns = np.mgrid[:30, :40]
    shift = field[0].numpy()
    where = [rows + shift[..., 1], columns + shift[..., 0]]
    for channel, expected in zip(warp(x, field)[0].numpy(), x[0].numpy(), strict=True):
        mapped = ndimage.map_coordinates(expected, where, order=1, mode="nearest")
        assert channel == pytest.approx(mapped, abs=1e-4)


def test_pattern_changes_only_every_vth_row_and_column(images: Tensor, rng: Any) -> None:
    large = resize(images, (5 * images.shape[2], 5 * images.shape[3]))
    mask = grid_mask(large, 5, rng(0)).expand_as(large)
    found = embed_pattern(large, 5, 3, rng(0))
    assert torch.equal(found[~mask], large[~mask])
    median = ndimage.median_filter(large.numpy(), (1, 1, 3, 3), mode="mirror")
    assert torch.equal(found[mask], torch.from_numpy(median)[mask])
    share = 1 - (1 - 1 / 5) ** 2
    assert mask.float().mean() == pytest.approx(share, abs=0.05)


def test_each_image_has_a_phase_of_its_own(rng: Any) -> None:
    masks = grid_mask(torch.zeros(200, 1, 40, 40), 5, rng(0))
    phases = {(int(m[0, :, 0].float().argmax()), int(m[0, 0].float().argmax())) for m in masks}
    assert len(torch.unique(masks.flatten(1), dim=0)) == 25
    assert len(phases) > 5


@pytest.mark.parametrize("beta", [3, 5])
def test_without_warp_and_pattern_odd_enlargement_is_the_identity(
    images: Tensor, beta: int, rng: Any
) -> None:
    found = pst_transform(images, STConfig(beta=beta, gamma=0), rng(0))
    assert torch.equal(found, images)


def test_ST_is_PST_without_its_pattern(images: Tensor, rng: Any) -> None:
    st = pst_transform(images, STConfig(), rng(0))
    assert torch.equal(st, pst_transform(images, PSTConfig(grid=False), rng(0)))
    assert not torch.equal(st, pst_transform(images, PSTConfig(), rng(0)))


@pytest.mark.parametrize("config", [STConfig(), PSTConfig(), PSTConfig(antialias=True, kernel=5)], ids=str)
def test_transform_keeps_shape_and_range_and_repeats_itself(
    images: Tensor, config: STConfig, rng: Any
) -> None:
    found = pst_transform(images, config, rng(0))
    assert found.shape == images.shape
    assert found.min() >= 0
    assert found.max() <= 1
    assert torch.equal(found, pst_transform(images, config, rng(0)))
    assert not torch.equal(found, pst_transform(images, config, rng(1)))


def test_equal_images_are_warped_differently(natural: Any, rng: Any) -> None:
    found = pst_transform(natural((1, 28, 28), 1).expand(5, -1, -1, -1), PSTConfig(), rng(0))
    assert len(torch.unique(found.flatten(1), dim=0)) == 5


def test_gamma_means_the_same_share_of_any_image(monkeypatch: pytest.MonkeyPatch, rng: Any) -> None:
    asked = []

    def looking(like: Tensor, gamma: float, *rest: Any) -> Tensor:
        asked.append((gamma / like.shape[2], *[one / like.shape[2] for one in rest[:-1]]))
        return torch.zeros(len(like), *like.shape[2:], 2)

    monkeypatch.setattr(spatial, "affine_displacement", looking)
    monkeypatch.setattr(spatial, "elastic_displacement", looking)
    for side, beta in [(8, 5), (28, 5), (32, 3), (160, 1)]:
        pst_transform(torch.zeros(1, 1, side, side), STConfig(beta=beta), rng(0))
    assert asked[::2] == [pytest.approx((15 / 160,))] * 4
    assert asked[1::2] == [pytest.approx((15 / 160, 8 / 160))] * 4


def test_large_batches_go_in_parts_and_still_see_every_image(
    natural: Any, monkeypatch: Any, rng: Any
) -> None:
    x = natural((1, 8, 8), 7)
    monkeypatch.setattr(spatial, "WORK", 2 * 2 * 40 * 40)
    found = pst_transform(x, replace(PSTConfig(), gamma=0.001), rng(0))
    assert torch.allclose(found, x, atol=0.2)
    assert found.shape == x.shape


def cubic(size: int, target: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Keys's cubic convolution with a = -.75, which torch and OpenCV have, as a matrix [target, size]."""
    near = np.poly1d([1.25, -2.25, 0, 1])
    far = -0.75 * np.poly1d([1, -5, 8, -4])
    matrix = np.zeros((target, size))
    for i in range(target):
        centre = (i + 0.5) * size / target - 0.5
        for tap in range(int(np.floor(centre)) - 1, int(np.floor(centre)) + 3):
            distance = abs(tap - centre)
            matrix[i, min(max(tap, 0), size - 1)] += near(distance) if distance <= 1 else far(distance)
    return matrix


def resized(x: Any, height: int, width: int) -> Any:
    """One channel [h, w] in numpy."""
    return (cubic(x.shape[0], height) @ x @ cubic(x.shape[1], width).T).clip(0, 1)


@pytest.mark.parametrize("target", [(40, 40), (24, 56), (8, 8), (4, 5)], ids=str)
def test_resize_is_cubic_convolution_in_numpy(target: tuple[int, int], natural: Any) -> None:
    x = natural((1, 8, 8), 1)
    assert resize(x, target)[0, 0].numpy() == pytest.approx(resized(x[0, 0].numpy(), *target), abs=1e-5)


def test_resize_is_near_pillows_bicubic_when_enlarging(natural: Any) -> None:
    x = natural((1, 8, 8), 1)
    pillow = Image.fromarray(x[0, 0].numpy()).resize((40, 40), Image.Resampling.BICUBIC)
    # Pillow's cubic has a = -.5
    assert resize(x, (40, 40))[0, 0].numpy() == pytest.approx(np.asarray(pillow).clip(0, 1), abs=0.05)


@pytest.mark.parametrize("grid", [True, False], ids=["PST", "ST"])
def test_the_whole_transform_of_one_image_is_numpy_and_scipy(grid: bool, natural: Any, rng: Any) -> None:
    x = natural((3, 12, 16), 1)
    config = PSTConfig(beta=4, v=4, gamma=15, sigma=8, grid=grid)
    generator, side = rng(6), 48
    like = torch.zeros(1, 3, side, 64)
    mask = grid_mask(like, 4, generator)[0, 0].numpy() if grid else np.zeros((side, 64), bool)
    fields = [
        affine_displacement(like, 15 * side / 160, generator)[0].numpy(),
        elastic_displacement(like, 15 * side / 160, 8 * side / 160, generator)[0].numpy(),
    ]
    rows, columns = np.mgrid[:side, :64]
    for found, channel in zip(pst_transform(x, config, rng(6))[0].numpy(), x[0].numpy(), strict=True):
        large = resized(channel, side, 64)
        large = np.where(mask, ndimage.median_filter(large, 3, mode="mirror"), large)
        for field in fields:
            where = [rows + field[..., 1], columns + field[..., 0]]
            large = ndimage.map_coordinates(large, where, order=1, mode="nearest")
        assert found == pytest.approx(resized(large, 12, 16), abs=1e-4)
