"""NAD: attention and its loss. MCR: the curve, its ends, and statistics measured anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ownmark.builtin.hosts.config import ResNetConfig
from ownmark.builtin.hosts.resnet import ResNet
from ownmark.contracts import Batch, Stolen, outputs
from ownmark.errors import NotApplicable
from ownmark.loops import remeasure
from ownmark_repair.finetune.attack import Finetune
from ownmark_repair.finetune.config import FinetuneConfig
from ownmark_repair.maps import captured, last_map, stages
from ownmark_repair.mcr.attack import Mcr, placed
from ownmark_repair.mcr.config import McrConfig
from ownmark_repair.mcr.curve import Curve, bezier, short_weights
from ownmark_repair.nad.attack import Attentive, Nad, attention
from ownmark_repair.nad.config import NadConfig


def whole(stolen: Stolen) -> Batch:
    return Batch(stolen.images().x, stolen.images().labels, torch.arange(64))


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_attention_is_the_normalised_sum_of_powers(rng: Any, power: float) -> None:
    maps = torch.randn(4, 5, 3, 2, generator=rng(0))
    summed = (np.abs(maps.numpy()) ** power).sum(1).reshape(4, 6)
    expected = summed / (np.linalg.norm(summed, axis=1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(attention(maps, power).numpy(), expected, rtol=1e-5)


def test_stages_of_a_resnet_are_its_layers() -> None:
    network = ResNet(ResNetConfig(depth=18, width=2)).build((3, 32, 32), 10)
    assert [place.name for place in stages(network, (3, 32, 32))] == ["layer1", "layer2", "layer3", "layer4"]
    assert last_map(network, (3, 32, 32)).shape == (16, 4, 4)


def test_a_student_like_its_teacher_pays_cross_entropy_alone(stolen: Stolen) -> None:
    term = Attentive(stolen.network, ["features.0", "features.2"], 1e6, 2.0)
    loss = term(stolen.copy().eval(), whole(stolen), 0).item()
    assert loss == pytest.approx(
        F.cross_entropy(outputs(stolen.network, whole(stolen).x), whole(stolen).labels).item(), rel=1e-4
    )


def test_distance_is_the_mean_square_times_beta(stolen: Stolen) -> None:
    student, batch = stolen.copy().eval(), whole(stolen)
    with torch.no_grad():
        student.features[0].conv.weight.add_(0.3)
    found = [
        Attentive(stolen.network, ["features.1"], beta, 2.0)(student, batch, 0).item() for beta in (0.0, 10.0)
    ]
    pair = []
    for network in (student, stolen.network):
        with captured(network, ["features.1"]) as maps:
            outputs(network, batch.x)
        pair.append(attention(maps["features.1"], 2.0))
    assert found[1] - found[0] == pytest.approx(10 * (pair[0] - pair[1]).square().mean().item(), rel=1e-3)
    assert found[1] > found[0]


def test_without_beta_the_student_is_fine_tuned(stolen: Stolen, fit: Any, rng: Any) -> None:
    recipe = {"epochs": 2, "batch_size": 32, "lr": 0.02}
    fit.rng.manual_seed(5)
    nad = Nad(NadConfig(beta=0, recipe=recipe, teacher={"epochs": 0})).attack(stolen, fit, rng(0))  # type: ignore[arg-type]
    fit.rng.manual_seed(5)
    same = {**recipe, "schedule": "every", "period": 2, "factor": 0.1}
    tuned = Finetune(FinetuneConfig(recipe=same)).attack(stolen, fit, rng(0))  # type: ignore[arg-type]
    for name, value in nad.network.state_dict().items():
        torch.testing.assert_close(value, tuned.network.state_dict()[name])


def test_layers_that_do_not_exist_are_refused_with_those_that_do(stolen: Stolen) -> None:
    with pytest.raises(NotApplicable, match=r"'layer9'.*features\.0"):
        Nad(NadConfig(layers=("features.0", "layer9"))).check(stolen.network, (1, 8, 8), 4)


@pytest.mark.parametrize(
    ("preset", "beta", "schedule"), [("app", 1500, "every"), ("app_code", 2000, "constant")]
)
def test_nad_presets_are_text_and_code(preset: Any, beta: float, schedule: str) -> None:
    config = NadConfig(preset=preset)
    assert (config.beta, config.recipe.schedule, config.teacher.schedule) == (beta, schedule, "every")


@pytest.mark.parametrize(
    ("t", "shares"), [(0.0, (1, 0, 0)), (1.0, (0, 0, 1)), (0.9, (0.01, 0.18, 0.81)), (0.5, (0.25, 0.5, 0.25))]
)
def test_curve_weighs_its_points_as_bezier_did(t: float, shares: tuple[float, ...]) -> None:
    points = torch.tensor([1.0, 10.0, 100.0])
    assert bezier(*points, t).item() == pytest.approx(
        sum(s * p for s, p in zip(shares, points.tolist(), strict=True))
    )


@pytest.fixture
def curve(stolen: Stolen) -> Curve:
    end = stolen.copy()
    with torch.no_grad():
        for parameter in end.parameters():
            parameter.add_(0.1)
    return Curve(stolen.network, end)


def test_curve_begins_halfway_and_ends_at_its_ends(curve: Curve, stolen: Stolen) -> None:
    for name, parameter in stolen.network.named_parameters():
        torch.testing.assert_close(curve.at(0.0)[name], parameter)
        torch.testing.assert_close(curve.at(1.0)[name], parameter + 0.1)
        torch.testing.assert_close(curve.at(0.5)[name], parameter + 0.05)
    assert [name for name, p in curve.named_parameters() if p.requires_grad] == [
        f"middle.{i}" for i in range(len(curve.names))
    ]


def test_only_the_middle_is_trained(curve: Curve, stolen: Stolen, fit: Any) -> None:
    before = {name: value.clone() for name, value in curve.named_parameters()}
    recipe = McrConfig(recipe={"epochs": 1}).recipe  # type: ignore[arg-type]
    fit(
        curve,
        stolen.images(),
        recipe,
        terms=(lambda n, b, s: F.cross_entropy(b.output(n), b.labels), short_weights(1e-4)),
    )
    moved = {name for name, value in curve.named_parameters() if not torch.equal(value, before[name])}
    assert moved == {name for name in before if name.startswith("middle.")}


def test_short_weights_measures_the_point_of_the_pass(curve: Curve, stolen: Stolen) -> None:
    batch = whole(stolen)
    found = short_weights(2.0)(curve.train(), batch, 0).item()
    assert found == pytest.approx(
        sum(value.square().sum().item() for value in curve.point.values()), rel=1e-4
    )


def test_placing_puts_the_curves_point_into_a_network(curve: Curve, stolen: Stolen) -> None:
    network = placed(stolen.copy(), curve, 0.25)
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(parameter, curve.at(0.25)[name])


def test_measuring_anew_changes_statistics_alone(stolen: Stolen) -> None:
    network, x = stolen.copy(), 3 * stolen.images().x
    before = {name: value.clone() for name, value in network.state_dict().items()}
    remeasure(network, x)
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert {name.rpartition(".")[2] for name in changed} <= {
        "running_mean",
        "running_var",
        "num_batches_tracked",
    }
    first = network.features[0].conv(network.normalize(x))
    torch.testing.assert_close(
        network.features[0].norm.running_mean, first.mean((0, 2, 3)), atol=1e-4, rtol=1e-3
    )
    assert not network.training
    assert network.features[0].norm.momentum == 0.1


def test_measuring_anew_leaves_networks_without_batchnorm_alone() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.GroupNorm(1, 2))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    remeasure(network, torch.rand(8, 1, 8, 8))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_halves_of_the_images_train_end_and_curve(stolen: Stolen, rng: Any) -> None:
    seen = []

    class Watching:
        rng = torch.Generator().manual_seed(0)

        def __call__(self, network: nn.Module, samples: Any, recipe: Any, **rest: Any) -> nn.Module:
            seen.append(samples.x)
            return network.eval()

    Mcr(McrConfig()).attack(stolen, Watching(), rng(0))
    rows = [{row.numpy().tobytes() for row in part} for part in seen]
    assert [len(part) for part in rows] == [32, 32]
    assert not rows[0] & rows[1]
