"""The four attacks: every answer stays, bits do not; alpha; what follows an attack; what cannot be attacked."""

from __future__ import annotations

import copy
import itertools
import time
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tests.plugins.invariance.architectures import ready, resnet18
from tests.plugins.invariance.conftest import World, fitter, generator
from torch import nn

from ownmark import Kind, discover
from ownmark.contracts import Stolen
from ownmark.errors import NotApplicable

ATTACKS = ("layer_shuffle", "neuron_scale", "sign_flip", "unified")
ALPHAS = (0.0, 0.0625, 0.125, 0.25, 0.5, 1.0)


def steal(network: nn.Module, shape: tuple[int, int, int] = (3, 8, 8)) -> Stolen:
    return Stolen(network, shape, 10)


def run(id: str, network: nn.Module, **params: Any) -> nn.Module:
    attack = discover().build(Kind.ATTACK, id, params)
    return attack.attack(steal(network), fitter(), generator(0)).network


def small(norm: nn.Module | None = None, activation: nn.Module | None = None) -> nn.Sequential:
    """Two convolutions on [N, 3, 8, 8]."""
    torch.manual_seed(0)
    inner = [layer for layer in (norm, activation or nn.ReLU()) if layer is not None]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)]
    return nn.Sequential(nn.Conv2d(3, 16, 3), *inner, nn.Conv2d(16, 8, 3), nn.ReLU(), *head).eval()


@pytest.mark.parametrize("id", ATTACKS)
@pytest.mark.parametrize("alpha", [0.25, 1.0])
def test_no_answer_changes_and_the_victim_stays(world: World, id: str, alpha: float) -> None:
    before = {name: value.clone() for name, value in world.network.state_dict().items()}
    suspect = world.attacked(id, alpha=alpha)
    assert torch.equal(world.answers(suspect.network), world.answers(world.network))
    assert all(torch.equal(value, before[name]) for name, value in world.network.state_dict().items())
    assert suspect.exhibits["parameters_changed"] > 0.1 * alpha
    assert suspect.exhibits["frozen_layers"] == "classifier" if id == "sign_flip" else True


def curve(world: World, id: str, alpha: float, seeds: int = 5) -> np.ndarray[Any, Any]:
    return np.array([world.ber(world.attacked(id, seed, alpha=alpha).network) for seed in range(seeds)])


def test_curves_against_alpha_are_the_papers_if_filters_are_averaged_over_inputs(over_inputs: World) -> None:
    """Figure 4: scaling and the unified attack act below a tenth of the neurons, the other two only gradually."""
    assert over_inputs.ber(over_inputs.network) == 0
    unified, scaled = curve(over_inputs, "unified", 0.125), curve(over_inputs, "neuron_scale", 0.125)
    assert np.abs(unified - 0.5).mean() < 0.1
    assert scaled.mean() > 0.25
    for gradual in ("layer_shuffle", "sign_flip"):
        rates = [curve(over_inputs, gradual, alpha).mean() for alpha in (0.0625, 0.5, 1.0)]
        assert rates[0] < 0.05 < rates[1] < 0.4 < rates[2]


def test_over_outputs_one_scaled_filter_turns_all_bits_or_none(world: World) -> None:
    rates = curve(world, "unified", 0.0625, seeds=10)
    assert (np.abs(rates - 0.5) > 0.4).mean() >= 0.7
    assert rates.min() < 0.1
    assert rates.max() > 0.9


def test_unified_makes_the_message_random(world: World) -> None:
    assert world.ber(world.network) == 0
    rates = [world.ber(world.attacked("unified", seed).network) for seed in range(10)]
    assert 0.4 <= np.mean(rates) <= 0.6
    assert min(rates) > 0.3


@pytest.mark.parametrize("id", ATTACKS)
def test_bits_fall_with_alpha(world: World, id: str) -> None:
    """Of `unified` up to a flip of all bits: at small alpha one huge neuron is the mean filter, its sign all bits."""

    def mean(alpha: float) -> float:
        rates = [world.ber(world.attacked(id, seed, alpha=alpha).network) for seed in range(5)]
        return float(np.mean([min(rate, 1 - rate) for rate in rates] if id == "unified" else rates))

    curve = [mean(alpha) for alpha in ALPHAS]
    assert curve[0] == 0
    assert all(later >= earlier - 0.05 for earlier, later in itertools.pairwise(curve))
    assert curve[-1] > {"layer_shuffle": 0.4, "unified": 0.4, "neuron_scale": 0.1, "sign_flip": 0.05}[id]


@pytest.mark.parametrize("id", ATTACKS)
def test_alpha_zero_is_the_identity(world: World, id: str) -> None:
    suspect = world.attacked(id, alpha=0.0)
    state = suspect.network.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in world.network.state_dict().items())
    assert suspect.exhibits["parameters_changed"] == 0


@pytest.mark.parametrize("variant", ["paper", "pre_norm", "post_norm", "free"])
def test_variants_scale_what_they_say(world: World, variant: str) -> None:
    after = world.attacked("neuron_scale", variant=variant, exponents=(3, 3)).network.state_dict()
    before = world.network.state_dict()
    ratio = {name: (after[f"features.0.{name}"] / before[f"features.0.{name}"]).mean().item()
             for name in ("conv.weight", "norm.weight")}  # fmt: skip
    kappa, rho = (1.0, 8.0) if variant == "post_norm" else (8.0, 1.0 if variant == "pre_norm" else 8.0)
    assert ratio["conv.weight"] == pytest.approx(kappa)
    assert ratio["norm.weight"] == pytest.approx(rho)


def test_only_the_named_layers_change(world: World) -> None:
    suspect = world.attacked("sign_flip", layers=["features.1.*"])
    after = suspect.network.state_dict()
    before = world.network.state_dict()
    changed = {name.rpartition(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"features.1.conv", "features.1.norm"}


def test_another_attack_can_follow(world: World) -> None:
    catalog = discover()
    pruned = world.attacked("unified", then={"prune": {"sparsity": 0.5}}).network
    alone = world.attacked("unified").network
    expected = catalog.build(Kind.ATTACK, "prune", {"sparsity": 0.5})
    expected = expected.attack(world.stolen(alone), fitter(), generator(0)).network.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in pruned.state_dict().items())


def test_a_following_attack_that_needs_data_is_asked_for_in_the_plan() -> None:
    from ownmark.methods import Need
    from ownmark.runner.resolve import needs_of

    assert Need.DATA not in needs_of(discover(), Kind.ATTACK, "unified", {})
    assert Need.DATA in needs_of(discover(), Kind.ATTACK, "unified", {"then": "finetune"})


class Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x) if float(x.sum()) > 0 else x


@pytest.mark.parametrize(
    ("id", "network", "words"),
    [
        ("unified", small(nn.BatchNorm2d(16)).train(), "training mode"),
        ("unified", small().to("meta"), "meta"),
        ("unified", Branching().eval(), "Branching"),
        ("unified", nn.Flatten().eval(), "no floating point parameters"),
        ("unified", nn.Sequential(nn.Flatten(), nn.Linear(192, 10)).eval(), "network output"),
        ("sign_flip", small(), "sign"),
        ("neuron_scale", small(activation=nn.Sigmoid())[:3].eval(), "igmoid|output"),
    ],
    ids=["train", "meta", "untraceable", "empty", "frozen", "no norm", "no scale"],
)  # fmt: skip
def test_what_cannot_be_attacked_says_why(id: str, network: nn.Module, words: str) -> None:
    before = copy.deepcopy(network)
    with pytest.raises(NotApplicable, match=words):
        run(id, network)
    assert network.training == before.training


def test_integer_weights_are_refused() -> None:
    network = small()
    for parameter in network.parameters():
        parameter.requires_grad_(False)
        parameter.data = parameter.data.to(torch.int8)
    with pytest.raises(NotApplicable, match="int8"):
        run("unified", network)


def test_check_judges_untrained_networks_without_touching_them() -> None:
    network = small(nn.BatchNorm2d(16)).train()
    discover().build(Kind.ATTACK, "unified").check(network, (3, 8, 8), 10)
    assert network.training
    with pytest.raises(NotApplicable, match="sign"):
        discover().build(Kind.ATTACK, "sign_flip").check(small(), (3, 8, 8), 10)
    with pytest.raises(NotApplicable, match="no layer is called 'conv9'"):
        discover().build(Kind.ATTACK, "unified", {"layers": ["conv9"]}).check(network, (3, 8, 8), 10)
    with pytest.raises(NotApplicable, match="scale"):
        discover().build(Kind.ATTACK, "neuron_scale", {"variant": "pre_norm"}).check(small(), (3, 8, 8), 10)


@pytest.mark.parametrize(
    "bad",
    [{"alpha": 1.2}, {"alpha": -0.1}, {"exponents": (3, 1)}, {"variant": "both"}, {"ratio": 1}],
    ids=str,
)
def test_bad_parameters(bad: dict[str, Any]) -> None:
    from ownmark_invariance.config import ScaleConfig

    with pytest.raises(ValidationError):
        ScaleConfig(**bad)


def test_groups_are_shown_for_hosts_and_networks() -> None:
    from click.testing import CliRunner

    from ownmark_invariance.show import main, show_network

    assert "BatchNorm2d" in show_network(small(nn.BatchNorm2d(16)).train(), (3, 8, 8))
    shown = CliRunner().invoke(main, ["convnet", "--shape", "1", "8", "8", "--param", "norm=group"])
    assert shown.exit_code == 0, shown.output
    assert "GroupNorm" in shown.output
    wrong = CliRunner().invoke(main, ["convnett"])
    assert wrong.exit_code == 1
    assert "convnet" in wrong.output


@pytest.mark.bench
def test_cost_of_unified_beside_a_copy() -> None:
    model = ready(resnet18())
    attack = discover().build(Kind.ATTACK, "unified")
    stolen = Stolen(model, (3, 32, 32), 10)

    def seconds(work: Any) -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    copying = min(seconds(lambda: copy.deepcopy(model)) for _ in range(5))
    attacking = min(seconds(lambda: attack.attack(stolen, fitter(), generator(0))) for _ in range(3))
    print(
        f"unified {attacking:.2f} s with tracing and test; deepcopy {copying:.3f} s: {attacking / copying:.1f} x"
    )


class Buried(nn.Module):
    """An operation without a rule in front of most of the weights."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.first, self.rest = nn.Linear(64, 8), nn.Sequential(*(nn.Linear(64, 64) for _ in range(depth)))
        self.head = nn.Linear(8, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.flatten(1)
        for layer in self.rest:
            x = layer(x).cumsum(1)
        return self.head(torch.relu(self.first(x)))


@pytest.mark.parametrize("depth", [1, 3])
def test_reach_is_the_share_that_could_change(world, depth: int) -> None:
    suspect = world.attacked("unified").exhibits["reach"]
    assert suspect > 0.95
    network = Buried(depth).eval()
    attack = discover().build(Kind.ATTACK, "unified", {"alpha": 0.25})
    found = attack.attack(world.stolen(network), fitter(), generator(0)).exhibits
    total = sum(p.numel() for p in network.parameters())
    assert found["parameters_changed"] < found["reach"] <= 1 - depth * 64 * 65 / total
