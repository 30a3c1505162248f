"""Blind watermarks: SSIM against its definition, who is trained by what, and keys that do not depend on modes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import Batch, HostView, Samples, Task, black_box, predictions, seeded
from ownmark.errors import NotApplicable
from ownmark.loops import Fitter
from ownmark.stats import calibrated_threshold
from ownmark_triggers.blind.config import BlindConfig
from ownmark_triggers.blind.game import Game, encoder_loss, materialised
from ownmark_triggers.blind.players import Discriminator, Encoder
from ownmark_triggers.blind.scheme import Blind
from ownmark_triggers.blind.ssim import ssim
from ownmark_triggers.learning import shown
from ownmark_triggers.triggers.extractor import Triggers

SHAPES = [(channels, side, side + 1) for channels in (1, 3) for side in (8, 28, 33)]


def players(channels: int, rng: Any, width: int = 8) -> tuple[Encoder, Discriminator]:
    with seeded(rng(0)):
        return Encoder(channels, width), Discriminator(channels, width)


def state(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def ssim_by_loops(a: np.ndarray, b: np.ndarray) -> float:
    """Wang et al. 2004, eq. 13, Gaussian window of 11 pixels and deviation 1.5, zeros around the image."""
    line = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window = np.outer(line, line) / np.outer(line, line).sum()
    a, b = np.pad(a, 5), np.pad(b, 5)
    found = []
    for r in range(a.shape[0] - 10):
        for c in range(a.shape[1] - 10):
            p, q = a[r : r + 11, c : c + 11], b[r : r + 11, c : c + 11]
            m, n = (window * p).sum(), (window * q).sum()
            vp, vq = (window * p * p).sum() - m * m, (window * q * q).sum() - n * n
            cov = (window * p * q).sum() - m * n
            found.append((2 * m * n + 1e-4) * (2 * cov + 9e-4) / ((m * m + n * n + 1e-4) * (vp + vq + 9e-4)))
    return float(np.mean(found))


def test_ssim_is_its_definition(rng: Any) -> None:
    one, other = (torch.rand((1, 1, 14, 13), generator=rng(seed)) for seed in (0, 1))
    expected = ssim_by_loops(one[0, 0].double().numpy(), other[0, 0].double().numpy())
    assert ssim(one, other).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("shape", [(1, 4, 4), (1, 8, 8), (3, 9, 32)], ids=str)
def test_an_image_is_like_itself_and_unlike_its_negative(shape: Any, rng: Any) -> None:
    x = torch.rand((2, *shape), generator=rng(0))
    assert ssim(x, x).item() == pytest.approx(1)
    assert ssim(x, 1 - x) < 0.5


def test_encoder_loss_has_the_papers_weights(rng: Any) -> None:
    c, e = (torch.rand((4, 1, 8, 8), generator=rng(seed)) for seed in (0, 1))
    loss = encoder_loss(c, e, torch.zeros(4), torch.tensor(7.0), BlindConfig())
    pixel = ((2 * c - 1) - (2 * e - 1)).square().mean()
    expected = 3 * pixel + 5 * (1 - ssim(c, e)) + math.log(2) + 0.1 * 7
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_players_take_any_shape_and_stay_in_range(shape: Any, rng: Any) -> None:
    encoder, discriminator = players(shape[0], rng)
    covers, logo = torch.rand((3, *shape), generator=rng(1)), torch.rand(shape, generator=rng(2))
    images = encoder(covers, logo)
    assert images.shape == covers.shape
    assert 0 <= images.min() <= images.max() <= 1
    assert discriminator(images).shape == (3,)
    assert not torch.equal(images, encoder(covers, 1 - logo))


def test_key_images_do_not_depend_on_the_encoders_mode(rng: Any) -> None:
    encoder, _ = players(1, rng)
    covers, logo = torch.rand((6, 1, 8, 8), generator=rng(1)), torch.rand((1, 8, 8), generator=rng(2))
    encoder(covers, logo)
    before = state(encoder)
    trained, frozen = materialised(encoder.train(), covers, logo), materialised(encoder.eval(), covers, logo)
    assert torch.equal(trained, frozen)
    assert torch.equal(trained[:2], materialised(encoder, covers[:2], logo))
    assert same(before, state(encoder))
    assert not torch.equal(encoder.train()(covers, logo), frozen)


def test_one_step_trains_encoder_and_discriminator_and_leaves_the_host_alone(
    networks: Any, digits: Any, rng: Any
) -> None:
    host, pair = networks(0).train(), players(1, rng)
    covers = Samples(digits[0].x[:30], torch.arange(30) % 10)
    game = Game(pair, host, covers, digits[0].x[50], BlindConfig(), steps=10)
    before = [state(network) for network in (host, *pair)]
    batch = Batch(digits[0].x[100:150], digits[0].labels[100:150], torch.arange(100, 150))
    with torch.no_grad():  # whatever the loop that fetches batches says of gradients
        seen = game(batch, rng(3))
    assert same(before[0], state(host))
    assert all(parameter.grad is None for parameter in host.parameters())
    assert all(module.training for module in host.modules())
    assert not same(before[1], state(pair[0]))
    assert not same(before[2], state(pair[1]))
    assert torch.equal(seen.x[:50], batch.x)
    assert seen.index[50:].tolist() == [-1] * 10
    everything = materialised(pair[0], covers.x, digits[0].x[50])
    where = (seen.x[50:, None] - everything[None]).flatten(2).abs().amax(2).argmin(1)
    assert torch.allclose(seen.x[50:], everything[where])
    assert covers.labels[where].tolist() == seen.labels[50:].tolist()


def test_finished_keys_are_shown_as_often(rng: Any) -> None:
    keys = Samples(torch.rand(40, 1, 8, 8), torch.arange(40))
    batch = Batch(torch.rand(50, 1, 8, 8), torch.zeros(50, dtype=torch.int64), torch.arange(50))
    seen = shown(keys, 0.2)(batch, rng(0))
    assert len(seen.x) == 60
    assert torch.equal(seen.x[50:], keys.x[seen.labels[50:]])
    assert len(seen.labels[50:].unique()) == 10


def test_labels_are_uniform_and_independent_of_the_truth(random_task: Any, rng: Any) -> None:
    task = random_task((1, 8, 8), count=3000)
    key = Blind(BlindConfig(keys=2000)).make_key(task, rng(0))
    counts = torch.bincount(key["labels"], minlength=10)
    assert ((counts - 200).abs() < 60).all()
    right = (key["labels"] == task.owner.labels[key["carriers"]]).float().mean()
    assert right.item() == pytest.approx(0.1, abs=0.03)
    assert "chance" not in key.values
    assert key.digest() == Blind(BlindConfig(keys=2000)).make_key(task, rng(0)).digest()
    assert key.digest() != Blind(BlindConfig(keys=2000)).make_key(task, rng(1)).digest()


@pytest.mark.parametrize(
    ("changes", "shape", "complaint"),
    [
        ({"letter": "mm"}, (1, 8, 8), "cannot draw 'mm'"),
        ({}, (1, 3, 8), "3 x 8 pixels are too few"),
    ],
)
def test_bad_input_is_refused(changes: Any, shape: Any, complaint: str, random_task: Any) -> None:
    with pytest.raises(NotApplicable, match=complaint):
        Blind(BlindConfig(**changes)).check(nn.Identity(), random_task(shape))


def check_seed(seed: int, host: HostView, task: Task, test: Samples, networks: Any, rng: Any) -> None:
    build, reader = Blind(BlindConfig()), Triggers()
    key = build.make_key(task, rng(seed))
    marked = build.embed(host, key, task, Fitter(torch.device("cpu"), rng(seed)))
    found = reader.extract(black_box(marked.network), marked.key)
    assert found.rate >= 0.99
    assert ssim(key["triggers"], marked.key["triggers"]) > 0.95
    assert F.mse_loss(key["triggers"], marked.key["triggers"]) < 0.01
    nulls = [[reader.extract(black_box(networks(i)), marked.key).hits] for i in range(4)]
    theta = calibrated_threshold(nulls, found.n, 0.05).theta
    assert found.rate >= theta
    claims = [reader.extract(black_box(networks(i)), marked.key).rate >= theta for i in range(4, 7)]
    assert sum(claims) <= 1
    clean, unmarked = (
        (predictions(n, test.x) == test.labels).float().mean() for n in (marked.network, networks(0))
    )
    assert clean >= unmarked - 0.02


def test_marked_network_knows_images_that_look_ordinary(
    host: HostView, task: Task, digits: tuple[Samples, Samples], networks: Any, rng: Any
) -> None:
    check_seed(0, host, task, digits[1], networks, rng)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_so_do_other_seeds(
    seed: int, host: HostView, task: Task, digits: tuple[Samples, Samples], networks: Any, rng: Any
) -> None:
    check_seed(seed, host, task, digits[1], networks, rng)
