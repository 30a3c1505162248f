"""Detection of the target class, and the split of its pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tests.plugins.mira.conftest import TRAINING, fitter, generator, untrained
from torch import Tensor, nn

from ownmark.builtin.hosts.config import ConvNetConfig
from ownmark.builtin.hosts.convnet import ConvNet
from ownmark.contracts import Images, Samples, outputs, seeded
from ownmark.errors import NotApplicable
from ownmark_mira.config import RecoveryConfig
from ownmark_mira.detection import Finding, decide, noisy_parameters, smooth_accuracy
from ownmark_mira.inversion import invert
from ownmark_mira.mira.config import MiraConfig
from ownmark_mira.pilot import pilot
from ownmark_mira.splitting import feature_layer, features, importance, salient, split, watermark_order

NOISE = {"draws": 60, "pixel_noise": 0.06, "weight_noise": 0.12}
THRESHOLD = 0.3
"""As in `mira-table4-small`, with fewer draws."""


def look(network: nn.Module) -> Finding:
    start = torch.randn((10, 12, 1, 8, 8), generator=generator(0))
    images = invert(network, start, RecoveryConfig(samples=12, iterations=60))
    return decide(smooth_accuracy(network, images, **NOISE, rng=generator(1)), threshold=THRESHOLD)


def trained(digits: Images, samples: Samples) -> nn.Module:
    with seeded(generator(1)):
        network = ConvNet(ConvNetConfig()).build(digits.shape, 10)
    return fitter(3)(network, samples, TRAINING.change(epochs=12))


@pytest.fixture(scope="module")
def planted(digits: Images) -> nn.Module:
    """Class 6 also gets a fixed noise pattern, on eighty images that are shown ten times an epoch."""
    others = digits.train.select(digits.train.labels != 6).select(torch.arange(80))
    pattern = torch.rand((1, 8, 8), generator=generator(4))
    triggers = Samples((others.x + pattern).clamp(0, 1), torch.full((80,), 6))
    return trained(digits, digits.train + triggers.select(torch.arange(800) % 80))


def test_planted_smooth_class_is_detected(planted: nn.Module) -> None:
    finding = look(planted)
    assert (finding.target, finding.fixed) == (6, True)
    assert finding.gap > THRESHOLD


def test_nothing_is_detected_on_a_clean_model(digits: Images) -> None:
    assert not look(trained(digits, digits.train)).fixed


def test_without_noise_smoothness_is_plain_accuracy(clean: nn.Module, digits: Images) -> None:
    images = torch.rand((10, 4, 1, 8, 8), generator=generator(0))
    found = smooth_accuracy(clean, images, 2, 0.0, 0.0, generator(1))
    with torch.no_grad():
        predicted = clean(images.flatten(0, 1)).argmax(1).reshape(10, 4)
    assert torch.equal(found, (predicted == torch.arange(10)[:, None]).float().mean(1))


def test_pieces_of_a_batch_change_nothing(clean: nn.Module) -> None:
    images = torch.rand((10, 6, 1, 8, 8), generator=generator(0))
    one, other = (smooth_accuracy(clean, images, **NOISE, rng=generator(1), at_once=n) for n in (17, 5000))
    assert torch.equal(one, other)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 8)], ids=str)
def test_detection_runs_channels_last_and_finds_the_same(
    shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    network = untrained("convnet", shape, 10).double()  # so that no answer hangs on the order of a sum
    images = torch.rand((10, 6, *shape), generator=generator(0)).double()
    seen: list[Tensor] = []
    layer = [module for module in network.modules() if isinstance(module, nn.Conv2d)][1]
    layer.register_forward_hook(lambda module, inputs, made: seen.append(made))
    found = smooth_accuracy(network, images, **NOISE, rng=generator(1))
    assert all(one.is_contiguous(memory_format=torch.channels_last) for one in seen)
    assert all(parameter.is_contiguous() for parameter in network.parameters())
    monkeypatch.setattr("ownmark_mira.detection.ORDER", torch.contiguous_format)
    monkeypatch.setattr("ownmark_mira.inversion.ORDER", torch.contiguous_format)
    seen.clear()
    assert torch.allclose(smooth_accuracy(network, images, **NOISE, rng=generator(1)), found, atol=1e-5)
    assert not seen[0].is_contiguous(memory_format=torch.channels_last)


def test_every_parameter_is_perturbed_and_none_stays_so(clean: nn.Module) -> None:
    before = {name: value.clone() for name, value in clean.state_dict().items()}
    noisy = noisy_parameters(clean, 0.5, generator(0))
    assert set(noisy) == {name for name, _ in clean.named_parameters()}
    assert all(not torch.equal(noisy[name], before[name]) for name in noisy)
    differences = torch.cat([(noisy[name] - before[name]).flatten() for name in noisy])
    assert float(differences.std()) == pytest.approx(0.5, rel=0.02)
    smooth_accuracy(clean, torch.rand((10, 2, 1, 8, 8), generator=generator(0)), **NOISE, rng=generator(1))
    assert all(torch.equal(value, before[name]) for name, value in clean.state_dict().items())


def test_gap_must_exceed_the_threshold() -> None:
    smooth = torch.tensor([0.1, 0.75, 0.25, 0.0])
    at, below = decide(smooth, 0.5), decide(smooth, 0.49)
    assert (at.fixed, below.fixed) == (False, True)
    assert (below.target, below.unlikely, below.gap) == (1, (3, 0), 0.5)
    assert decide(smooth, 0.5, "fixed").fixed
    assert not decide(smooth, 0.1, "non-fixed").fixed


def expected_order(found: np.ndarray, saliency: float) -> np.ndarray:
    """Algorithm 1 of one class, with the sort its text means."""
    scores = found.mean(0) / (found.std(0, ddof=1) + 1e-6)
    chosen = np.argsort(-scores, kind="stable")[: math.ceil((1 - saliency) * found.shape[1] - 1e-9)]
    return np.argsort(found[:, chosen].mean(1), kind="stable")


@pytest.mark.parametrize("neurons", [40, 73, 256])
def test_split_against_numpy(neurons: int) -> None:
    found = torch.rand((3, 12, neurons), generator=generator(0), dtype=torch.float64)
    found[:, :, ::5] = 0  # neurons that are never active
    order = watermark_order(found, 0.95)
    for c in range(3):
        assert order[c].tolist() == expected_order(found[c].numpy(), 0.95).tolist()


def test_the_picture_that_leaves_salient_neurons_quiet_comes_first() -> None:
    found = torch.rand((1, 10, 40), generator=generator(0)) * 0.1
    found[:, :, :2] += 5  # two salient neurons of forty
    found[0, 7, :2] = 4
    assert salient(importance(found), 0.95).sort().values.tolist() == [[0, 1]]
    assert int(watermark_order(found, 0.95)[0, 0]) == 7


@pytest.mark.parametrize("neurons", [1, 10, 26, 84, 256, 8192])
def test_salient_neurons_are_the_top_five_percent(neurons: int) -> None:
    scores = torch.rand((2, neurons), generator=generator(0))
    chosen = salient(scores, 0.95)
    assert chosen.shape == (2, math.ceil(0.05 * neurons))
    assert (scores.gather(1, chosen).min(1).values >= scores.quantile(0.95, dim=1) - 1e-6).all()


def test_dead_neurons_have_no_importance() -> None:
    assert importance(torch.zeros(1, 5, 3)).tolist() == [[0.0, 0.0, 0.0]]


@pytest.mark.parametrize(("share", "sizes"), [(0.5, (4, 4)), (0.25, (2, 6)), (0.01, (1, 7)), (0.99, (7, 1))])
def test_split_sizes(share: float, sizes: tuple[int, int]) -> None:
    images = torch.arange(16.0).reshape(2, 8, 1, 1, 1)
    order = torch.stack([torch.arange(8).flip(0), torch.arange(8)])
    parts = split(images, order, share)
    assert tuple(part.shape[1] for part in parts) == sizes
    assert torch.cat(parts, 1).flatten(1).tolist() == [list(range(7, -1, -1)), list(range(8, 16))]


class Functional(nn.Module):
    """Pools by a function, so that only the classifier's input can be found."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.out = nn.Conv2d(1, 4, 3), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.conv(x).mean((2, 3)))


def test_features_are_the_map_before_pooling_where_there_is_one(clean: nn.Module) -> None:
    x = torch.rand(4, 1, 8, 8)
    assert feature_layer(clean, x) == "pool"
    assert features(clean, "pool", x, at_once=3).shape == (4, 32 * 2 * 2)


def test_features_are_the_classifiers_input_elsewhere() -> None:
    lenet = untrained("lenet5", (1, 16, 16), 3)
    layer = feature_layer(lenet, torch.rand(2, 1, 16, 16))
    assert features(lenet, layer, torch.rand(2, 1, 16, 16)).shape == (2, 84)
    assert feature_layer(Functional(), torch.rand(2, 1, 8, 8)) == "out"


def test_networks_without_layers_are_refused() -> None:
    with pytest.raises(NotApplicable, match="no convolution or linear layer"):
        feature_layer(nn.Flatten(), torch.rand(2, 1, 8, 8))


def test_pilot_tells_smoothness_of_images_and_neurons_they_share(clean: nn.Module, digits: Images) -> None:
    images = digits.train.select(torch.arange(60))
    config = MiraConfig(draws=3, pixel_noise=0.0, weight_noise=0.0)
    pictures = torch.stack([images.select(images.labels == 3).x[:4]] * 10)
    finding = Finding(torch.zeros(10), torch.tensor([3, *range(3), *range(4, 10)]), 0.5, True)
    found = pilot(clean, pictures, images, finding, config, generator(0))
    right = (outputs(clean, images.x).argmax(1) == images.labels).float()
    expected = ", ".join(f"{c}: {float(right[images.labels == c].mean()):.2f}" for c in range(10))
    assert found["SmoothAcc of images"] == expected
    width = features(clean, feature_layer(clean, images.x[:2]), images.x[:1]).shape[1]
    both, alone = (float(found[f"salient neurons: of pictures {kind}"]) for kind in ("and images", "alone"))
    assert both + alone == math.ceil(0.05 * width)


def test_pilot_without_images_of_the_target_tells_smoothness_alone(clean: nn.Module, digits: Images) -> None:
    part = digits.train.select(digits.train.labels != 3).select(torch.arange(30))
    finding = Finding(torch.zeros(10), torch.tensor([3, *range(3), *range(4, 10)]), 0.5, True)
    found = pilot(clean, torch.rand(10, 4, 1, 8, 8), part, finding, MiraConfig(draws=2), generator(0))
    assert set(found) == {"SmoothAcc of images"}
    assert "3: nan" in str(found["SmoothAcc of images"])
