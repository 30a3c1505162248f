"""Inversion: batched equals class by class, chunks change nothing, and the pictures are what they should be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.plugins.mira.conftest import generator, untrained
from torch import Tensor, nn

from ownmark.contracts import Images, outputs
from ownmark_mira.batchnorm import norm_gap, remembering, slice_gap, squared_gap, watched
from ownmark_mira.config import RecoveryConfig
from ownmark_mira.deepinversion.attack import dream
from ownmark_mira.deepinversion.config import DeepInversionConfig
from ownmark_mira.detection import smooth_accuracy
from ownmark_mira.inversion import class_wise_loss, classes_at_once, fixed, invert, pixels
from ownmark_mira.priors import batch_variation, energy, standardised, variation
from ownmark_mira.splitting import features


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed))


def gap_of(network: nn.Module, u: Tensor, norms: int | None = None) -> Tensor:
    """Squared distance of each class slice from the statistics of the first so many norms, or of all."""
    with torch.no_grad(), watched(remembering(network)[:norms], len(u)) as gaps:
        network.eval()(u.flatten(0, 1))
    return squared_gap(gaps, torch.zeros(len(u)))


@pytest.fixture(scope="module")
def recovered(clean: nn.Module) -> tuple[Tensor, Tensor]:
    start = noise(10, 24, 1, 8, 8)
    return pixels(start), invert(clean, start, RecoveryConfig(samples=24, iterations=150))


def test_at_least_95_percent_of_every_class_are_classified_as_it(
    recovered: tuple[Tensor, Tensor], clean: nn.Module
) -> None:
    logits = outputs(clean, recovered[1].flatten(0, 1))
    labels = torch.arange(10).repeat_interleave(24)
    right = (logits.argmax(1) == labels).float().reshape(10, 24).mean(1)
    assert right.min() >= 0.95
    assert nn.functional.cross_entropy(logits, labels) < 0.2


def test_batchnorm_distance_falls_by_ten_at_least(recovered: tuple[Tensor, Tensor], clean: nn.Module) -> None:
    """A class alone cannot have the statistics that the last norm saw of all classes."""
    before, after = (gap_of(clean, u, norms=2) for u in recovered)
    assert (before / after).min() >= 10
    before, after = (gap_of(clean, u) for u in recovered)
    assert (before / after).min() >= 3


def test_pictures_are_pixels_and_differ(recovered: tuple[Tensor, Tensor]) -> None:
    found = recovered[1]
    assert found.min() >= 0
    assert found.max() <= 1
    assert found.flatten(2).std(1).mean(1).min() > 0.05


def test_all_classes_at_once_equal_class_by_class(clean: nn.Module) -> None:
    start, config = noise(10, 8, 1, 8, 8), RecoveryConfig(samples=8, iterations=12)
    together = invert(clean, start, config)
    labels = torch.arange(10)
    for c in (0, 4, 9):
        z = start[c : c + 1].clone().requires_grad_()
        adam = torch.optim.Adam([z], lr=0.1, betas=(0.5, 0.9))
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR(adam, 12, 1e-4)
        with fixed(clean):
            for _ in range(12):
                loss = class_wise_loss(clean, pixels(z), labels[c : c + 1], remembering(clean, 2), config)
                (z.grad,) = torch.autograd.grad(loss.sum(), z)
                adam.step()
                cosine.step()
        assert torch.allclose(pixels(z)[0], together[c], atol=1e-3)


@pytest.mark.parametrize("at_once", [1, 24, 80], ids=lambda n: f"{n} at once")
def test_chunks_of_classes_change_nothing(clean: nn.Module, at_once: int) -> None:
    start = noise(10, 8, 1, 8, 8)
    one, other = (
        invert(clean, start, RecoveryConfig(samples=8, iterations=10, at_once=n)) for n in (10_000, at_once)
    )
    assert torch.allclose(one, other, atol=1e-3)


def test_network_comes_back_as_it_was(clean: nn.Module) -> None:
    before = {name: value.clone() for name, value in clean.state_dict().items()}
    asked = [parameter.requires_grad for parameter in clean.parameters()]
    clean.train()
    invert(clean, noise(10, 4, 1, 8, 8), RecoveryConfig(samples=4, iterations=2))
    assert clean.training
    clean.eval()
    assert all(torch.equal(value, before[name]) for name, value in clean.state_dict().items())
    assert [parameter.requires_grad for parameter in clean.parameters()] == asked


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last], ids=str)
def test_batchnorm_distance_against_numpy(clean: nn.Module, order: torch.memory_format) -> None:
    u = torch.rand((3, 6, 1, 8, 8), generator=generator(2))
    expected = np.zeros(3)
    x = ((u - 0.5) / 0.25).flatten(0, 1)
    with torch.no_grad():
        blocks: Any = clean.features
        for block in blocks:
            inputs = block.conv(x)
            parts = inputs.numpy().reshape(3, 6, inputs.shape[1], -1)
            mean, var = parts.mean(axis=(1, 3)), parts.var(axis=(1, 3))
            expected += ((mean - block.norm.running_mean.numpy()) ** 2).sum(1)
            expected += ((var - block.norm.running_var.numpy()) ** 2).sum(1)
            x = block(x)
        with watched(remembering(clean, 2), 3) as gaps:
            clean.eval()(u.flatten(0, 1).to(memory_format=order))
    assert squared_gap(gaps, torch.zeros(3)).numpy() == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("shape", [(12, 5, 3, 4), (12, 5)], ids=["images", "features"])
def test_statistics_far_from_zero_keep_their_digits(shape: tuple[int, ...]) -> None:
    norm: Any = nn.BatchNorm2d(5) if len(shape) == 4 else nn.BatchNorm1d(5)
    x = 1e-2 * torch.randn(shape, generator=generator(1)) + 30
    norm.running_mean.fill_(30.0)
    mean, variance = slice_gap(norm, x, 3)
    slices = x.double().reshape(3, 4, 5, -1).numpy()
    assert mean.numpy() == pytest.approx(slices.mean(axis=(1, 3)) - 30, abs=1e-5)
    assert variance.numpy() == pytest.approx(slices.var(axis=(1, 3)) - 1, rel=1e-4)


@pytest.mark.parametrize(
    ("norms", "dropped", "left"),
    [(3, 2, 3), (9, 2, 9), (10, 2, 9), (20, 2, 18), (20, 0, 20), (40, 2, 38), (20, 5, 18)],
)
def test_at_most_a_tenth_of_the_norms_is_left_out(norms: int, dropped: int, left: int) -> None:
    network = nn.Sequential(*(nn.BatchNorm2d(2) for _ in range(norms)))
    assert remembering(network, dropped) == list(network)[:left]


def test_loss_against_numpy(clean: nn.Module) -> None:
    u, config = (
        torch.rand((2, 5, 1, 8, 8), generator=generator(3)),
        RecoveryConfig(alpha_tv=0.5, alpha_l2=0.3),
    )
    labels = torch.tensor([4, 7])
    with torch.no_grad():
        found = class_wise_loss(clean, u, labels, remembering(clean, 2), config).numpy()
    x = (u.numpy() - 0.5) / 0.25
    logits = outputs(clean, u.flatten(0, 1)).double().numpy().reshape(2, 5, 10)
    for g in range(2):
        terms = []
        for m in range(5):
            entropy = np.log(np.exp(logits[g, m]).sum()) - logits[g, m, labels[g]]
            picture, tv = x[g, m, 0], 0.0
            for i in range(8):
                for j in range(8):
                    tv += (picture[i, j] - picture[i - 1, j]) ** 2 if i else 0
                    tv += (picture[i, j] - picture[i, j - 1]) ** 2 if j else 0
            terms.append(entropy + 0.3 * (picture**2).mean() + 0.5 * tv / 64)
        expected = np.mean(terms) + 0.1 * float(gap_of(clean, u)[g])
        assert found[g] == pytest.approx(expected, rel=1e-3)


def test_released_loss_against_numpy(clean: nn.Module) -> None:
    u = torch.rand((2, 5, 1, 8, 8), generator=generator(3))
    labels, config = torch.tensor([4, 7]), RecoveryConfig(form="released", alpha_l2=0.3, alpha_tv=0.5)
    with torch.no_grad():
        found = class_wise_loss(clean, u, labels, remembering(clean, 2), config)
        with watched(remembering(clean, 2), 2) as gaps:
            logits = clean(u.flatten(0, 1))
    entropy = nn.functional.cross_entropy(logits, labels.repeat_interleave(5), reduction="none")
    for g in range(2):
        x = (u[g].double().numpy() - 0.5) / 0.25
        tv = 2 * ((np.diff(x, axis=2) ** 2).mean() + (np.diff(x, axis=3) ** 2).mean())
        norms = sum(float(mean[g].norm() + variance[g].norm()) for mean, variance in gaps)
        expected = float(entropy[5 * g : 5 * g + 5].mean()) + 0.3 * np.sqrt((x**2).sum()) / 5 + 0.5 * tv
        assert float(found[g]) == pytest.approx(expected + 0.1 * norms, rel=1e-4)


def test_channels_last_pictures_are_the_same(clean: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    start, config = noise(10, 6, 1, 8, 8), RecoveryConfig(samples=6, iterations=5)
    found = invert(clean, start, config)
    monkeypatch.setattr("ownmark_mira.inversion.ORDER", torch.contiguous_format)
    assert torch.allclose(invert(clean, start, config), found, atol=1e-5)
    assert all(parameter.is_contiguous() for parameter in clean.parameters())


def test_priors_count_every_channel() -> None:
    x = torch.rand((4, 3, 5, 7), generator=generator(0))
    pairs = np.diff(x.numpy(), axis=2), np.diff(x.numpy(), axis=3)
    expected = sum((d**2).sum(axis=(1, 2, 3)) for d in pairs) / 105
    assert variation(x).numpy() == pytest.approx(expected, rel=1e-5)
    assert energy(x).numpy() == pytest.approx((x.numpy() ** 2).mean(axis=(1, 2, 3)), rel=1e-5)
    units = standardised(x, (0.1, 0.2, 0.3), (0.5,))
    assert torch.allclose(units[:, 2], (x[:, 2] - 0.3) / 0.5)


def test_deepinversion_terms_against_numpy() -> None:
    x = torch.rand((2, 1, 4, 4), generator=generator(0))
    a = x.numpy()
    differences = (
        a[..., 1:, :] - a[..., :-1, :], a[..., :, 1:] - a[..., :, :-1],
        a[..., 1:, 1:] - a[..., :-1, :-1], a[..., 1:, :-1] - a[..., :-1, 1:],
    )  # fmt: skip
    assert float(batch_variation(x)) == pytest.approx(
        sum(np.sqrt((d**2).sum()) for d in differences), rel=1e-5
    )
    gaps = [(torch.tensor([[3.0, 4.0]]), torch.tensor([[6.0, 8.0]]))]
    assert float(norm_gap(gaps, torch.zeros(1))) == pytest.approx(15)
    assert float(squared_gap(gaps, torch.zeros(1))) == pytest.approx(125)


@pytest.mark.parametrize("kind", ["lenet5", "convnet without norm"])
def test_hosts_without_batchnorm_have_no_distance(kind: str) -> None:
    network = untrained(kind, (1, 16, 16), 3)
    assert remembering(network, 0) == []
    found = invert(network, noise(3, 4, 1, 16, 16), RecoveryConfig(samples=4, iterations=3))
    assert torch.isfinite(found).all()


def test_colour_pictures_and_two_classes() -> None:
    network = untrained("convnet", (3, 8, 8), 2)
    found = invert(network, noise(2, 4, 3, 8, 8), RecoveryConfig(samples=4, iterations=3))
    assert found.shape == (2, 4, 3, 8, 8)


def test_deepinversion_recovers_pixels_of_their_classes(clean: nn.Module, digits: Images) -> None:
    config = DeepInversionConfig(samples=6, iterations=120, jitter=0, alpha_bn=1.0)
    start = noise(10, 6, 1, 8, 8)
    found = dream(clean, start, config, generator(1))
    assert torch.equal(found, dream(clean, start, config, generator(1)))
    assert found.shape == start.shape
    assert found.min() >= 0
    assert found.max() <= 1
    right = outputs(clean, found.flatten(0, 1)).argmax(1) == torch.arange(10).repeat_interleave(6)
    assert right.float().mean() >= 0.9


@pytest.mark.parametrize(
    ("shape", "device", "at_once", "expected"),
    [
        ((10, 64, 1, 8, 8), "cpu", 5000, 10),
        ((100, 64, 1, 8, 8), "cpu", 5000, 10),
        ((10, 250, 3, 32, 32), "cpu", 5000, 1),
        ((100, 250, 3, 32, 32), "cuda", 5000, 20),
        ((100, 250, 3, 32, 32), "cuda", 100, 1),
    ],
    ids=str,
)
def test_classes_share_batches_as_memory_allows(
    shape: tuple[int, ...], device: str, at_once: int, expected: int
) -> None:
    assert classes_at_once(shape, torch.device(device), at_once) == expected


class Small(nn.Module):
    """A network whose device has room for so many images, and which remembers how many it was shown at once."""

    def __init__(self, network: nn.Module, room: int) -> None:
        super().__init__()
        self.network, self.room = network, room
        self.seen: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(len(x))
        if len(x) > self.room:
            raise torch.cuda.OutOfMemoryError("full")
        logits: Tensor = self.network(x)
        return logits


def test_a_hundred_classes_stay_within_the_budget() -> None:
    network = Small(untrained("convnet", (1, 8, 8), 100), room=10_000)
    images = invert(network, noise(100, 5, 1, 8, 8), RecoveryConfig(samples=5, iterations=2, at_once=64))
    smooth_accuracy(network, images, 2, 0.1, 0.1, generator(0), at_once=64)
    features(network, "network.pool", images.flatten(0, 1), at_once=64)
    assert max(network.seen) <= 64
    assert network.seen.count(60) == 2 * 8  # twelve classes a chunk while inverting; eight such chunks
    assert images.shape == (100, 5, 1, 8, 8)


def test_pictures_come_out_the_same_where_memory_is_short(clean: nn.Module) -> None:
    start, config = noise(10, 4, 1, 8, 8), RecoveryConfig(samples=4, iterations=5)
    small = Small(clean, room=10)
    found = invert(small, start, config)
    assert small.seen[:4] == [40, 20, 8, 8]  # ten classes, five, two
    assert torch.allclose(found, invert(clean, start, config), atol=1e-3)
    smooth = smooth_accuracy(Small(clean, room=10), found, 3, 0.1, 0.1, generator(0))
    assert torch.equal(smooth, smooth_accuracy(clean, found, 3, 0.1, 0.1, generator(0)))
