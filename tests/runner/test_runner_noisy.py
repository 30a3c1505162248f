"""Null models of another recipe: which see noise, how much, and what records say of it."""

from __future__ import annotations

import pytest
import torch

from ownmark.contracts.samples import Batch, Samples, is_capturable
from ownmark.runner.noisy import Noise, parts_of, takes_noise, with_noise


def drawn(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("images", ["pool", "half", "owner"])
@pytest.mark.parametrize("amount", [0.0, 0.5, 0.25])
def test_names_of_images_say_how_much_noise(images: str, amount: float) -> None:
    assert parts_of(with_noise(images, amount)) == (images, amount)


@pytest.mark.parametrize(("amount", "scale"), [(0.5, 1.0), (0.1, 1.0), (0.1, 30.0)])
def test_noise_is_a_share_of_how_images_vary_and_stays_in_their_range(amount: float, scale: float) -> None:
    x = scale * torch.rand(4000, 1, 4, 4, generator=drawn(0))
    samples = Samples(x, torch.zeros(4000, dtype=torch.int64))
    noise = Noise.like(samples, amount)
    middle = torch.full((4000, 1, 4, 4), scale / 2)
    seen = noise(Batch(middle, samples.y, torch.arange(4000)), drawn(1)).x
    assert float((seen - middle).std() / (amount * x.std())) == pytest.approx(1, abs=0.05)
    assert float(x.min()) - 1e-6 <= float(seen.min()) < float(seen.max()) <= float(x.max()) + 1e-6
    assert is_capturable(noise)


def test_texts_and_images_without_classes_are_left_alone() -> None:
    labels = torch.zeros(3, dtype=torch.int64)
    assert takes_noise(Samples(torch.rand(3, 1, 4, 4), labels))
    assert takes_noise(
        Samples(torch.randint(256, (3, 1, 4, 4), dtype=torch.uint8), labels)
    )  # bytes stand for pixels
    assert not takes_noise(Samples(torch.rand(3, 1, 4, 4), torch.rand(3, 7)))
    assert not takes_noise(Samples(torch.rand(3, 1, 4, 4), None))


NULLS = "verdict: {null_models: 4, keys: 2%s}\n"
TASK = """
tasks: [{dataset: {digits: {limit_train: 250, limit_test: 60}}, host: {convnet: {width: 0.25, recipe: {epochs: 1}}}}]
"""


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("", "2 trained on images the owner never had, 2 on half of the owner's, 1 of them with noise"),
        (", nulls: {noise: 0}", "2 trained on images the owner never had, 2 on half of the owner's"),
        (", nulls: {data: owner}", "4 on the owner's images"),
    ],
)
def test_records_say_what_the_null_models_were(workshop, more: str, told: str) -> None:  # type: ignore[no-untyped-def]
    (record,) = workshop.run("schemes: [{adi: {keys: 20}}]\n", task=TASK + NULLS % more).records
    assert record["status"] == "ok", record.get("error")
    assert record["verdict"]["nulls_were"] == told
