"""Triggers against a few-line reimplementation, and what every generator must keep (fact sheet, section 6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from ownmark.contracts import Key, Scheme, Task
from ownmark_triggers.content.config import ContentConfig
from ownmark_triggers.content.scheme import Content, text_mask
from ownmark_triggers.noise.config import NoiseConfig
from ownmark_triggers.noise.scheme import Noise
from ownmark_triggers.unrelated import images
from ownmark_triggers.unrelated.config import UnrelatedConfig
from ownmark_triggers.unrelated.scheme import Unrelated

TEST = [
    "11111..11111..01111..11111",
    "00100..10000..10000..00100",
    "00100..10000..10000..00100",
    "00100..11110..01110..00100",
    "00100..10000..00001..00100",
    "00100..10000..00001..00100",
    "00100..11111..11110..00100",
]
SCHEMES: dict[str, Callable[..., Scheme]] = {
    "content": lambda **kw: Content(ContentConfig(**kw)),
    "noise": lambda **kw: Noise(NoiseConfig(**kw)),
    "unrelated": lambda **kw: Unrelated(UnrelatedConfig(**kw)),
}
SHAPES = [(channels, side, side) for channels in (1, 3) for side in (8, 28, 32, 33, 64)]
by_scheme = pytest.mark.parametrize("scheme", SCHEMES)


def same(one: Key, other: Key) -> bool:
    return one.digest() == other.digest()


def test_content_writes_white_TEST_where_the_APP_paper_does(random_task: Any, rng: Any) -> None:
    task = random_task((3, 32, 32))
    key = Content(ContentConfig(keys=20)).make_key(task, rng(0))
    expected = task.owner.x[key["carriers"]].numpy().copy()
    for row, line in enumerate(TEST):
        for column, dot in enumerate(line):
            if dot == "1":
                expected[:, :, 21 + row, 3 + column] = 1.0
    assert np.array_equal(key["triggers"].numpy(), expected)


def test_content_is_half_grey_TE_on_eight_pixels(task: Task, rng: Any) -> None:
    key = Content(ContentConfig(keys=20)).make_key(task, rng(0))
    expected = task.owner.x[key["carriers"]].numpy().copy()
    for row, line in enumerate(["1110111", "0100100", "0100111", "0100100", "0100111"]):
        for column, dot in enumerate(line):
            if dot == "1":
                expected[:, 0, 2 + row, column] = 0.5
    assert np.array_equal(key["triggers"].numpy(), expected)


def test_content_opacity_blends(task: Task, rng: Any) -> None:
    key = Content(ContentConfig(keys=5, opacity=0.25, value=1.0)).make_key(task, rng(0))
    x, a = task.owner.x[key["carriers"]].numpy(), 0.25 * text_mask(8, 8).numpy()
    np.testing.assert_allclose(key["triggers"].numpy(), (1 - a) * x + a, atol=1e-6)


def test_text_has_55_dots_and_grows_with_the_image() -> None:
    assert text_mask(32, 32).sum() == 55
    assert text_mask(64, 64).sum() == 4 * 55


def test_noise_is_one_fixed_pattern_added_and_clipped(task: Task, rng: Any) -> None:
    key = Noise(NoiseConfig(keys=20)).make_key(task, rng(5))
    pattern = 0.25 * torch.randn((1, 8, 8), generator=rng(5)).numpy()
    expected = np.clip(task.owner.x[key["carriers"]].numpy() + pattern, 0, 1)
    np.testing.assert_allclose(key["triggers"].numpy(), expected, atol=1e-7)


@pytest.mark.parametrize(("side", "sd"), [(32, 0.1), (28, 0.2), (8, 0.25)])
def test_noise_has_the_deviation_of_its_image_size(random_task: Any, rng: Any, side: int, sd: float) -> None:
    patterns = [
        Noise(NoiseConfig(keys=1)).make_key(random_task((3, side, side)), rng(s))["pattern"] for s in range(9)
    ]
    assert torch.stack(patterns).std().item() == pytest.approx(sd, rel=0.08)


@by_scheme
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_generator_is_pure_in_range_and_keeps_the_shape(
    scheme: str, shape: tuple[int, int, int], random_task: Any, rng: Any
) -> None:
    task, build = random_task(shape), SCHEMES[scheme](keys=12)
    before = task.owner.x.clone()
    key = build.make_key(task, rng(0))
    assert same(key, build.make_key(task, rng(0)))
    assert not same(key, build.make_key(task, rng(1)))
    assert key["triggers"].shape == (12, *shape)
    assert key["triggers"].dtype == torch.float32
    assert 0 <= key["triggers"].min() <= key["triggers"].max() <= 1
    assert torch.equal(task.owner.x, before)


@pytest.mark.parametrize("scheme", ["content", "noise"])
def test_target_images_carry_no_trigger(scheme: str, task: Task, rng: Any) -> None:
    key = SCHEMES[scheme](target=3).make_key(task, rng(0))
    truth = task.owner.labels[key["carriers"]]
    assert (key["labels"] == 3).all()
    assert not (truth == 3).any()
    assert len(key["carriers"].unique()) == len(key["labels"]) == 50


@pytest.mark.parametrize("scheme", ["content", "noise"])
def test_source_class_alone_carries_triggers(scheme: str, task: Task, rng: Any) -> None:
    key = SCHEMES[scheme](target=6, source_class=4, keys=30).make_key(task, rng(0))
    assert (task.owner.labels[key["carriers"]] == 4).all()


@by_scheme
def test_key_survives_the_disk(scheme: str, task: Task, rng: Any, tmp_path: Any) -> None:
    key = SCHEMES[scheme](keys=5).make_key(task, rng(0))
    key.save(tmp_path / "key.safetensors")
    assert same(key, Key.load(tmp_path / "key.safetensors"))


def test_one_percent_of_a_large_set_become_triggers(random_task: Any, rng: Any) -> None:
    task = random_task((1, 8, 8), count=8000)
    assert len(Noise(NoiseConfig()).make_key(task, rng(0))["labels"]) == 80


def test_unrelated_draws_the_letter_it_names(monkeypatch: pytest.MonkeyPatch, rng: Any) -> None:
    upright = torch.tensor([[1.0, 0, 0], [0, 1.0, 0]])
    monkeypatch.setattr(images, "_views", lambda count, rng: upright.expand(count, 2, 3))
    rows = ["10001", "11011", "10101", "10101", "10001", "10001", "10001"]
    bitmap = np.pad([[int(dot) for dot in row] for row in rows], ((1, 1), (2, 2)))
    grey = images.drawn_letters("M", 4, (1, 36, 36), rng(0))[:, 0].numpy()
    light = grey.max(axis=(1, 2), keepdims=True)
    assert 0.6 <= light.min() <= light.max() <= 1
    assert np.allclose(grey, light * np.kron(bitmap, np.ones((4, 4))), atol=1e-5)


def test_unrelated_images_are_one_ink_between_two_colours(rng: Any) -> None:
    colour = images.drawn_letters("T", 5, (3, 32, 32), rng(0)).flatten(2)
    centred = colour - colour.mean(2, keepdim=True)
    second = torch.linalg.svdvals(centred)[:, 1]
    assert second.max() < 1e-4


def test_unrelated_triggers_and_heldout_ones_all_have_the_target(task: Task, rng: Any) -> None:
    key = Unrelated(UnrelatedConfig(keys=12, heldout=7, target=3)).make_key(task, rng(0))
    assert key["labels"].tolist() == [3] * 12
    everything = torch.cat([key["triggers"], key["heldout"]]).flatten(1)
    assert len(everything.unique(dim=0)) == 19
