"""APP: length and direction of the perturbation, Algorithm 1 by hand, what a wrapped scheme is asked, the effect."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import Batch, Samples, Task, predictions
from ownmark.errors import NotApplicable
from ownmark_robust.app.config import AppConfig
from ownmark_robust.app.perturbation import WorstNeighbour, perturbation
from ownmark_robust.app.scheme import App
from ownmark_robust.certified.config import CertifiedConfig
from ownmark_robust.certified.scheme import Certified
from ownmark_robust.parameters import affine

NESTED = {"content": {}}


def config(**changes: Any) -> AppConfig:
    return AppConfig(trigger=NESTED, **changes)  # type: ignore[arg-type]


def build(trigger: Any, **changes: Any) -> App:
    return App(config(**changes), trigger=trigger)


def length(tensors: Mapping[str, Tensor]) -> float:
    return float(torch.cat([tensor.detach().flatten() for tensor in tensors.values()]).norm())


@pytest.mark.parametrize("epsilon", [0.02, 0.5])
def test_global_perturbation_is_equation_5(rng: Any, epsilon: float) -> None:
    theta = {
        name: torch.randn(shape, generator=rng(i))
        for i, (name, shape) in enumerate([("a", (3, 2)), ("b", (4,))])
    }
    slopes = {name: torch.randn(value.shape, generator=rng(9)) for name, value in theta.items()}
    found = perturbation(theta, slopes, epsilon, "global")
    for name in theta:
        torch.testing.assert_close(found[name], epsilon * length(theta) * slopes[name] / length(slopes))
    assert length(found) == pytest.approx(epsilon * length(theta), rel=1e-5)


def test_each_tensor_moves_by_its_own_length(rng: Any) -> None:
    theta = {"a": torch.randn(3, 2, generator=rng(0)), "b": 100 * torch.randn(4, generator=rng(1))}
    slopes = {"a": torch.randn(3, 2, generator=rng(2)), "b": torch.randn(4, generator=rng(3))}
    found = perturbation(theta, slopes, 0.02, "tensor")
    for name in theta:
        assert float(found[name].norm() / theta[name].norm()) == pytest.approx(0.02, rel=1e-5)
        assert F.cosine_similarity(found[name].flatten(), slopes[name].flatten(), dim=0) == pytest.approx(
            1, abs=1e-5
        )


def test_no_slope_moves_nothing() -> None:
    zero = {"a": torch.zeros(3)}
    assert torch.equal(perturbation({"a": torch.ones(3)}, zero, 0.1, "global")["a"], zero["a"])


class Little(nn.Module):
    """One convolution, a norm under a name that does not say so, a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.downsample = nn.Sequential(nn.Identity(), nn.BatchNorm2d(4))
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.downsample(self.conv(x)).relu().mean((2, 3)))


@pytest.fixture
def little(rng: Any) -> nn.Module:
    torch.manual_seed(0)
    network = Little().train()
    nn.init.uniform_(network.downsample[1].weight, 0.5, 2, generator=rng(0))
    return network


def batch(rng: Any) -> Batch:
    return Batch(
        torch.rand(10, 1, 6, 6, generator=rng(1)), torch.arange(10) % 3, torch.tensor([*range(8), 98, -1])
    )


def triggers(rng: Any) -> Samples:
    return Samples(torch.rand(5, 1, 6, 6, generator=rng(2)), torch.zeros(5, dtype=torch.int64))


def by_hand(
    network: nn.Module, drawn: Tensor, clean: Tensor, settings: AppConfig
) -> tuple[float, dict[str, Tensor]]:
    """Algorithm 1, lines 6 and 7, with plain tensors: moves a copy of the network, normalises in the open."""

    def loss(theta: Mapping[str, Tensor]) -> Tensor:
        x = F.conv2d(torch.cat([drawn, clean]), theta["conv.weight"], padding=1)
        rows = x[len(drawn) :] if settings.norm == "clean" else x
        mean, variance = rows.mean((0, 2, 3)), rows.var((0, 2, 3), unbiased=False)
        x = (x - mean[:, None, None]) / (variance[:, None, None] + 1e-5).sqrt()
        x = x * theta["downsample.1.weight"][:, None, None] + theta["downsample.1.bias"][:, None, None]
        logits = x.relu().mean((2, 3)) @ theta["fc.weight"].T + theta["fc.bias"]
        return -logits[: len(drawn)].log_softmax(1)[:, 0].mean()

    theta = {name: value.detach().clone().requires_grad_() for name, value in network.named_parameters()}
    chosen = [n for n in theta if settings.scope == "global" or not n.startswith("downsample")]
    slopes = dict(zip(chosen, torch.autograd.grad(loss(theta), [theta[n] for n in chosen]), strict=True))
    moved = {n: value.detach().clone() for n, value in theta.items()}
    for n in chosen:
        sizes = [theta, slopes] if settings.scope == "global" else [{n: theta[n]}, {n: slopes[n]}]
        moved[n] += settings.epsilon * length(sizes[0]) / length(sizes[1]) * slopes[n]
    moved = {n: value.requires_grad_() for n, value in moved.items()}
    value = settings.alpha * loss(moved)
    return float(value.detach()), dict(
        zip(chosen, torch.autograd.grad(value, [moved[n] for n in chosen]), strict=True)
    )


@pytest.mark.parametrize("scope", ["tensor", "global"])
@pytest.mark.parametrize("norm", ["clean", "mixed", "triggers"])
def test_term_is_algorithm_1(little: nn.Module, rng: Any, scope: Any, norm: Any) -> None:
    settings = config(alpha=0.3, epsilon=0.1, scope=scope, norm=norm, triggers_a_step=5, clean_a_step=6)
    given, marked = batch(rng), triggers(rng)
    before = {name: value.clone() for name, value in little.state_dict().items()}
    term = WorstNeighbour(marked, 8, settings, (), rng(3))
    found = term(little, given, 0)
    order = torch.randperm(5, generator=rng(3))
    clean = given.x[:0] if norm == "triggers" else given.x[:6]
    value, slopes = by_hand(little, marked.x[order], clean, settings)
    assert float(found.detach()) == pytest.approx(value, rel=1e-4)
    found.backward()
    for name, parameter in little.named_parameters():
        if name in slopes:
            torch.testing.assert_close(parameter.grad, slopes[name], atol=1e-6, rtol=1e-3)
        else:
            assert parameter.grad is None
    assert all(torch.equal(value, before[name]) for name, value in little.state_dict().items())


def test_norms_are_found_by_type(little: nn.Module) -> None:
    assert affine(little) == {"downsample.1.weight", "downsample.1.bias"}


def test_triggers_among_the_clean_rows_give_no_statistics(little: nn.Module, rng: Any) -> None:
    settings, marked = config(triggers_a_step=5, clean_a_step=8), triggers(rng)
    given = batch(rng)
    changed = given.with_images(given.x.clone())
    changed.x[8:] = 1.0  # a trigger of the training data, and a row that a transform appended
    values = [
        float(WorstNeighbour(marked, 8, settings, (), rng(3))(little, one, 0)) for one in (given, changed)
    ]
    assert values[0] == values[1]


@pytest.mark.parametrize("clean", ["mixed", "pure"])
def test_carriers_leave_and_triggers_come(
    corner: Any, host: Any, task: Task, looking: Any, rng: Any, clean: Any
) -> None:
    scheme = build(corner, clean=clean, repeats=3)
    key = scheme.make_key(task, rng(0))
    scheme.embed(host, key, task, looking)
    shown, count = looking.asked["samples"], len(task.owner) - 12
    keep = torch.ones(len(task.owner), dtype=torch.bool)
    keep[key["carriers"]] = False
    assert torch.equal(shown.x[:count], task.owner.x[keep])
    assert torch.equal(
        shown.x[count:], key["triggers"].repeat(3, 1, 1, 1) if clean == "mixed" else task.owner.x[:0]
    )


def test_key_is_the_wrapped_schemes(corner: Any, task: Task, rng: Any) -> None:
    key, own = build(corner).make_key(task, rng(0)), corner.make_key(task, rng(0))
    assert key.scheme == "app"
    assert key.values["trigger"] == "corner"
    assert all(torch.equal(key[name], own[name]) for name in own.tensors)


@pytest.mark.parametrize("bare", [True, False], ids=["before the data are there", "with data"])
def test_schemes_without_triggers_are_refused(bits: Any, host: Any, task: Task, rng: Any, bare: bool) -> None:
    seen = replace(task, owner=task.owner.select(torch.arange(0))) if bare else task
    with pytest.raises(NotApplicable, match="'bits' has no triggers and no labels"):
        build(bits).check(host.blank(rng(0)), seen)


def test_a_host_without_batchnorm_is_told_what_remains(
    corner: Any, hosts: Any, task: Task, looking: Any, rng: Any
) -> None:
    scheme = build(corner)
    for norm, told in (("none", True), ("group", True), ("batch", False)):
        marked = scheme.embed(hosts(norm), scheme.make_key(task, rng(0)), task, looking)
        assert ("batchnorm" in marked.exhibits) is told


def known_nearby(network: nn.Module, marked: Samples, clean: Tensor, epsilon: float) -> float:
    """Share of triggers known after one normalised step up their loss, each weight by epsilon of its length.

    BatchNorm is measured on clean images, before and after, as whoever goes there would do.
    """
    network = copy.deepcopy(network)
    weights = [parameter for parameter in network.parameters() if parameter.ndim > 1]

    def answers() -> Tensor:
        network.train()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
                module.momentum = None
        with torch.no_grad():
            network(clean)
        return network.eval()(marked.x)

    slopes = torch.autograd.grad(F.cross_entropy(answers(), marked.labels), weights)
    with torch.no_grad():
        for weight, slope in zip(weights, slopes, strict=True):
            weight += epsilon * weight.norm() * slope / slope.norm()
    return float((answers().argmax(1) == marked.labels).float().mean())


def test_worst_neighbours_of_the_released_network_know_the_triggers(
    corner: Any, host: Any, task: Task, fit: Any, rng: Any, digits: Any
) -> None:
    few = replace(task, owner=task.owner.select(torch.arange(600)))
    short = replace(host, recipe=host.recipe.change(epochs=8))
    key, kept, accuracy = build(corner).make_key(few, rng(0)), {}, {}
    marked, test = Samples(key["triggers"], key["labels"]), digits[1]
    for name, alpha in (("plain", 0.0), ("app", 0.1)):
        fit.rng.manual_seed(0)
        scheme = build(corner, alpha=alpha, epsilon=0.1, repeats=4, triggers_a_step=12, clean_a_step=32)
        network = scheme.embed(short, key, few, fit).network
        assert set(network.state_dict()) == set(host.blank(rng(0)).state_dict())
        kept[name] = known_nearby(network, marked, few.owner.x[:400], 0.1)
        accuracy[name] = float((predictions(network, test.x) == test.labels).float().mean())
    assert kept["app"] > kept["plain"] + 0.5, kept
    assert accuracy["app"] > accuracy["plain"] - 0.02


@pytest.mark.parametrize("bits", [0.0, 17.5, None])
@pytest.mark.parametrize("wrapper", ["app", "certified"])
def test_a_key_has_the_entropy_of_the_wrapped_schemes(
    corner: Any, task: Task, wrapper: str, bits: Any
) -> None:
    corner.key_bits = lambda task: bits
    nested = {"trigger": NESTED}
    made = build(corner) if wrapper == "app" else Certified(CertifiedConfig(**nested), trigger=corner)  # type: ignore[arg-type]
    assert made.key_bits(task) == bits
