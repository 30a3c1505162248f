"""The transforms PST is compared with: an oracle for each, what strength does, odd sizes, determinism."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import fft, ndimage
from torch import Tensor

from ownmark.contracts import Stolen
from ownmark.discovery import discover
from ownmark.methods import Kind
from ownmark_pst.bdr.attack import reduced
from ownmark_pst.feature_distillation.attack import FeatureDistillation, authors_table, distilled, table
from ownmark_pst.feature_distillation.config import FeatureDistillationConfig
from ownmark_pst.front import QueryTime
from ownmark_pst.jpeg.codec import CHROMA, LUMA, jpeg, scaled
from ownmark_pst.pixel_deflection.attack import authors_deflected, deflected, sources
from ownmark_pst.pixel_deflection.wavelets import denoised, joined, split
from ownmark_pst.shared import smooth
from ownmark_pst.shield.attack import local_quantisation

IDS = ("bdr", "feature_distillation", "gaussian_blur", "jpeg", "pixel_deflection", "pst", "shield", "st")


def attack(id: str, **parameters: Any) -> QueryTime:
    found: QueryTime = discover().build(Kind.ATTACK, {f"pst/{id}": parameters})
    return found


# --- all of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", IDS)
def test_keeps_shape_and_range_and_repeats_itself(id: str, images: Tensor, rng: Any) -> None:
    change = attack(id).change
    found = change(images, rng(0))
    assert found.shape == images.shape
    assert found.dtype == images.dtype
    assert found.min() >= 0
    assert found.max() <= 1
    assert torch.equal(found, change(images, rng(0)))
    assert not torch.equal(found, images)


@pytest.mark.parametrize("id", IDS)
def test_serving_leaves_weights_alone_and_follows_its_seed(id: str, stolen: Stolen, rng: Any) -> None:
    served = [attack(id).serve(stolen.network, rng(seed)).eval() for seed in (0, 0, 1)]
    first, same, other = (one(stolen.images().x) for one in served)
    assert torch.equal(first, same)
    random = id in ("pixel_deflection", "pst", "shield", "st")
    assert torch.equal(first, other) != random
    assert torch.equal(served[0](stolen.images().x), first) != random, "a new query, a new draw"


@pytest.mark.parametrize("id", IDS)
def test_front_can_show_what_the_network_sees(id: str, stolen: Stolen, rng: Any) -> None:
    x = stolen.images().x
    one, two = (attack(id).serve(stolen.network, rng(0)).eval() for _ in range(2))
    seen = one.transformed(x)  # type: ignore[operator]
    assert seen.shape == x.shape
    assert torch.equal(stolen.network(seen), two(x))


WEAK_TO_STRONG: dict[str, list[dict[str, Any]]] = {
    "bdr": [{"bits": bits} for bits in (8, 4, 2, 1)],
    "feature_distillation": [{"step": step, "fine": step} for step in (1, 20, 80, 300)],
    "gaussian_blur": [{"sigma": sigma} for sigma in (0.3, 0.7, 1.5, 3.0)],
    "jpeg": [{"quality": quality} for quality in (95, 70, 30, 5)],
    "pixel_deflection": [{"share": share} for share in (0.01, 0.1, 0.3, 0.9)],
    "pst": [{"gamma": gamma} for gamma in (0.1, 5, 15, 40)],
    "shield": [{"qualities": [q]} for q in (95, 70, 30, 5)],
    "st": [{"gamma": gamma} for gamma in (0.1, 5, 15, 40)],
}


@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)], ids=str)
def test_its_knob_destroys_more_and_more(id: str, shape: Any, natural: Any, rng: Any) -> None:
    x = natural(shape, 30)
    errors = [
        float((attack(id, **knob).change(x, rng(0)) - x).square().mean()) for knob in WEAK_TO_STRONG[id]
    ]
    assert errors == sorted(errors)
    assert errors[-1] > 2 * errors[0]


# --- oracles ----------------------------------------------------------------------------------------------------------


def pillow_jpeg(image: Tensor, quality: int, subsampling: int) -> Tensor:
    levels = (image * 255).round().byte().permute(1, 2, 0).numpy()
    picture = Image.fromarray(levels[..., 0] if levels.shape[2] == 1 else levels)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    read = torch.from_numpy(np.array(Image.open(buffer))).float() / 255
    return read[None] if read.ndim == 2 else read.permute(2, 0, 1)


@pytest.mark.parametrize("quality", [5, 20, 50, 75, 95])
@pytest.mark.parametrize("subsample", [True, False], ids=["4:2:0", "4:4:4"])
def test_jpeg_is_pillows(quality: int, subsample: bool, images: Tensor) -> None:
    x = (images * 255).round() / 255
    found = jpeg(x, quality, subsample)
    expected = torch.stack([pillow_jpeg(one, quality, 2 if subsample else 0) for one in x])
    levels = (found - expected).abs() * 255
    # Pillow computes in integers; where a coefficient lies between two steps, one of the two takes the other
    assert levels.mean() < 1.25
    assert (levels <= 2).float().mean() > 0.85


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 90, 100])
def test_quantisation_tables_are_pillows(quality: int) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "JPEG", quality=quality)
    tables = Image.open(buffer).quantization  # type: ignore[attr-defined]
    assert list(tables[0]) == scaled(LUMA, quality).flatten().tolist()
    assert list(tables[1]) == scaled(CHROMA, quality).flatten().tolist()


def test_shields_blocks_come_from_its_four_versions(images: Tensor, rng: Any) -> None:
    qualities = (5, 20, 50, 90)
    versions = [jpeg(images, quality) for quality in qualities]
    found, used = local_quantisation(images, qualities, rng(0)), set()
    for image in range(len(images)):
        for top in range(0, images.shape[2], 8):
            for left in range(0, images.shape[3], 8):
                block = (image, slice(None), slice(top, top + 8), slice(left, left + 8))
                matches = [
                    k for k, version in enumerate(versions) if torch.equal(found[block], version[block])
                ]
                assert matches
                used.update(matches if len(matches) == 1 else ())
    assert used == {0, 1, 2, 3} or len(images) * images[0, 0].numel() < 1000


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_bit_depth_keeps_exactly_its_levels(bits: int, images: Tensor) -> None:
    levels = np.linspace(0, 1, 2**bits)
    nearest = np.abs(images.numpy()[..., None] - levels).argmin(-1)
    assert reduced(images, bits).numpy() == pytest.approx(levels[nearest], abs=1e-6)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.5, 6.0])
def test_blur_is_scipys(sigma: float, images: Tensor) -> None:
    radius = int(np.ceil(3 * sigma))
    expected = ndimage.gaussian_filter(images.numpy(), sigma, mode="mirror", radius=radius, axes=(2, 3))
    assert smooth(images, sigma).numpy() == pytest.approx(expected, abs=1e-5)


def test_feature_distillation_is_scipys_quantised_dct(natural: Any) -> None:
    x = (natural((1, 8, 8), 1) * 255).round() / 255
    steps = np.array([[1 if i + j <= 4 else 41 for j in range(8)] for i in range(8)])
    assert table(40, 4).tolist() == steps.tolist()
    assert (steps == 1).sum() == 15
    coefficients = fft.dctn(x[0, 0].double().numpy() * 255 - 128, norm="ortho")
    back = fft.idctn(np.round(coefficients / steps) * steps, norm="ortho") + 128
    assert distilled(x, 40, 4)[0, 0].numpy() * 255 == pytest.approx(np.clip(np.round(back), 0, 255), abs=1e-3)


def test_authors_feature_distillation_is_scipys_quantised_dct_of_each_channel(natural: Any) -> None:
    x = natural((3, 8, 8), 2)
    steps = np.full((8, 8), 30.0)
    steps[:4, :4] = 25
    assert authors_table(30, 25).tolist() == steps.tolist()
    found = FeatureDistillation(FeatureDistillationConfig()).change(x, torch.Generator())
    for channel in range(3):
        coefficients = fft.dctn(x[1, channel].double().numpy() * 255, norm="ortho")
        back = fft.idctn(np.round(coefficients / steps) * steps, norm="ortho") / 255
        assert found[1, channel].numpy() == pytest.approx(np.clip(back, 0, 1), abs=1e-5)


@pytest.mark.parametrize(("size", "reach"), [(12, 1), (12, 3), (7, 50)])
def test_authors_sources_lie_within_reach_and_inside_and_all_come_up(size: int, reach: int, rng: Any) -> None:
    found = sources(size, reach, torch.rand((4000, size), generator=rng(0)))
    for place in range(size):
        allowed = set(range(max(1, place - reach), min(size - 1, place + reach) + 1))
        assert set(found[:, place].tolist()) == allowed


def test_authors_deflection_draws_every_channel_by_itself_and_with_replacement(rng: Any) -> None:
    height, width, count = 12, 15, 60
    where = torch.arange(height * width).float().view(1, 1, height, width).expand(40, 3, -1, -1)
    found = authors_deflected(where, count, 2, rng(0))
    assert not torch.equal(found[:, 0], found[:, 1])
    source, target = found.long(), where.long()
    assert (source // width - target // width).abs().max() <= 2
    assert (source % width - target % width).abs().max() <= 2
    changed = (source != target).flatten(2).sum(2).float()
    expected = height * width * (1 - (1 - 1 / (height * width)) ** count)  # distinct pixels of so many draws
    assert expected * 0.9 < changed.mean() < expected
    assert torch.equal(authors_deflected(where, 0, 2, rng(0)), where)


@pytest.mark.parametrize("reach", [1, 3, 50])
def test_deflected_pixels_come_from_their_window(reach: int, rng: Any) -> None:
    height, width, count = 12, 15, 60
    where = torch.arange(height * width).float().view(1, 1, height, width).expand(20, 3, -1, -1)
    found = deflected(where, count, reach, rng(0))
    assert torch.equal(found[:, 0], found[:, 2]), "all channels move together"
    source, target = found[:, 0].long(), where[:, 0].long()
    assert (source // width - target // width).abs().max() == min(reach, height - 1)
    assert (source % width - target % width).abs().max() == min(reach, width - 1)
    changed = (source != target).flatten(1).sum(1)
    assert (changed <= count).all()
    assert changed.float().mean() > 0.8 * count
    assert torch.equal(deflected(where, 0, reach, rng(0)), where)


def test_deflection_of_one_image_is_a_loop_over_its_pixels(natural: Any, rng: Any) -> None:
    height, width, count, reach = 7, 9, 20, 2
    x = natural((3, height, width), 1)
    draw = rng(4)
    ranks = torch.rand((1, height * width), generator=draw)[0].numpy()
    offset = (torch.rand((2, 1, count), generator=draw)[:, 0].numpy() * (2 * reach + 1)).astype(int) - reach
    expected = x[0].numpy().copy()
    for k, pixel in enumerate(np.argsort(-ranks)[:count]):
        row, column = divmod(int(pixel), width)
        source = np.clip(row + offset[0, k], 0, height - 1), np.clip(column + offset[1, k], 0, width - 1)
        expected[:, row, column] = x[0].numpy()[:, source[0], source[1]]
    assert deflected(x, count, reach, rng(4))[0].numpy().tolist() == expected.tolist()


def test_haar_split_is_orthonormal_and_comes_back(natural: Any) -> None:
    x = natural((3, 8, 12), 4)
    average, details = split(x)
    energy = average.square().sum() + details.square().sum()
    assert float(energy) == pytest.approx(float(x.square().sum()), rel=1e-5)
    assert torch.allclose(joined(average, details), x, atol=1e-6)


def test_denoising_is_bayesshrink_in_numpy(natural: Any, rng: Any) -> None:
    x, sigma = natural((1, 16, 16), 1) + 0.1 * torch.randn((1, 1, 16, 16), generator=rng(0)), 0.05
    haar = np.kron(np.eye(8), np.array([[1, 1], [1, -1]])) / np.sqrt(2)
    coefficients = haar @ x[0, 0].double().numpy() @ haar.T
    for i, j in ((0, 1), (1, 0), (1, 1)):
        band = coefficients[i::2, j::2]
        threshold = sigma**2 / np.sqrt(np.mean(band**2) - sigma**2)
        coefficients[i::2, j::2] = np.sign(band) * np.maximum(np.abs(band) - threshold, 0)
    assert denoised(x, sigma, levels=1)[0, 0].numpy() == pytest.approx(haar.T @ coefficients @ haar, abs=1e-5)


def test_denoising_removes_noise_and_spares_the_rest(natural: Any, rng: Any) -> None:
    clean = natural((3, 33, 32), 8)
    noisy = clean + 0.05 * torch.randn(clean.shape, generator=rng(0))
    error: Callable[[Tensor], float] = lambda x: float((x - clean).square().mean())  # noqa: E731
    assert error(denoised(noisy, 0.05)) < 0.6 * error(noisy)
