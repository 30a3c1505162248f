"""Labels of Equations 4, 6 and 7, the batches they are unlearned in, and the attacks as a whole."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from tests.plugins.mira.conftest import fitter, generator, untrained
from torch import nn

from ownmark.config import to_plain
from ownmark.contracts import Batch, Images, Samples, Stolen, outputs, predictions
from ownmark.errors import NotApplicable
from ownmark_mira.deepinversion.attack import DeepInversion
from ownmark_mira.deepinversion.config import DeepInversionConfig
from ownmark_mira.detection import decide
from ownmark_mira.mira.attack import Mira
from ownmark_mira.mira.config import MiraConfig
from ownmark_mira.mira_data_free.attack import MiraDataFree
from ownmark_mira.mira_data_free.config import MiraDataFreeConfig
from ownmark_mira.soft import blends, carrying, patterns, soft_sets, towards_answers
from ownmark_mira.unlearning import (
    appending,
    improved_set,
    other_labels,
    towards_uniform,
    unlabelled_set,
    with_frozen_norms,
)

TINY: dict[str, Any] = {"samples": 6, "iterations": 3, "draws": 2}
ONE = {"epochs": 1, "batch_size": 16}


def pictures(classes: int, count: int) -> torch.Tensor:
    """Picture m of class c is filled with c + m / 100."""
    c, m = torch.meshgrid(torch.arange(classes), torch.arange(count), indexing="ij")
    return (c + m / 100)[:, :, None, None, None].expand(-1, -1, 1, 2, 2).contiguous()


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_random_labels_are_never_the_target_and_all_others(classes: int) -> None:
    for target in range(classes):
        drawn = other_labels(target, 400, classes, generator(target))
        assert set(drawn.tolist()) == set(range(classes)) - {target}


def test_fixed_target_unlearns_that_class_alone() -> None:
    finding = decide(torch.tensor([0.1, 0.9, 0.2]), 0.4)
    made = improved_set(pictures(3, 4), pictures(3, 2) + 0.5, finding, generator(0))
    assert len(made) == 6
    assert made.x[:, 0, 0, 0].tolist() == pytest.approx([1.0, 1.01, 1.02, 1.03, 1.5, 1.51])
    assert 1 not in made.labels[:4].tolist()
    assert made.labels[4:].tolist() == [1, 1]


def test_no_fixed_target_unlearns_every_class_to_the_least_likely() -> None:
    finding = decide(torch.tensor([0.3, 0.4, 0.1, 0.2]), 0.4)
    made = improved_set(pictures(4, 2), pictures(4, 2), finding, generator(0))
    assert made.labels.tolist() == [2, 2, 2, 2, 3, 3, 2, 2]
    assert made.x[:, 0, 0, 0].tolist() == pytest.approx([0, 0.01, 1, 1.01, 2, 2.01, 3, 3.01])


def test_batches_get_as_many_recovered_rows_in_shuffled_rounds() -> None:
    recovered = Samples(torch.arange(10.0).reshape(10, 1, 1, 1), torch.arange(10))
    append, rng = appending(recovered), generator(0)
    seen: list[int] = []
    for size in (4, 4, 2, 7, 3):
        own = torch.full((size, 1, 1, 1), -1.0)
        batch = append(Batch(own, torch.zeros(size, dtype=torch.int64), torch.arange(size)), rng)
        assert len(batch.x) == 2 * size
        assert (batch.index[size:] == -1).all()
        assert torch.equal(batch.x[size:].flatten().long(), batch.labels[size:])
        seen += batch.labels[size:].tolist()
    assert [sorted(seen[:10]), sorted(seen[10:])] == [list(range(10)), list(range(10))]
    assert seen[:10] != seen[10:]


def test_basic_objective_against_its_formula() -> None:
    torch_rng = generator(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 5))
    x, y = torch.rand((6, 1, 2, 2), generator=torch_rng), torch.tensor([0, 1, 2, 9, 9, 9])
    batch = Batch(x, y, torch.tensor([0, 1, 2, -1, -1, -1]))
    logits = network(x).detach()
    p = logits[3:].softmax(1)
    divergence = sum(0.2 * math.log(0.2 / float(q)) for row in p for q in row) / 3
    expected = F.cross_entropy(logits[:3], y[:3]) + 15 * divergence / 5
    found = towards_uniform(15)(network, batch, 0).detach()
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_uniform_answers_have_no_divergence() -> None:
    batch = Batch(torch.zeros(2, 4), torch.zeros(2, dtype=torch.int64), torch.tensor([0, -1]))
    loss = towards_uniform(15)(nn.Identity(), batch, 0)
    assert float(loss) == pytest.approx(math.log(4))


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_soft_objective_against_its_formula(temperature: float) -> None:
    rng = generator(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 5))
    x, y = torch.rand((6, 1, 2, 2), generator=rng), torch.rand((6, 5), generator=rng).softmax(1)
    batch = Batch(x, y, torch.tensor([0, 1, 2, 3, -1, -1]))
    logits = network(x).detach()

    def divergence(rows: slice, t: float) -> float:
        q = (logits[rows] / t).softmax(1)
        return float((y[rows] * (y[rows] / q).log()).sum(1).mean())

    kept, gone = (divergence(rows, temperature) for rows in (slice(0, 4), slice(4, 6)))
    expected = temperature**2 * (kept + 3 * gone)
    found = towards_answers(temperature, 3.0)(network, batch, 0).detach()
    assert float(found) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("treat_as", "gone"), [("fixed", [1, 1]), ("non-fixed", [0, 0, 1, 1, 2, 2])])
def test_soft_sets_are_a_partition(treat_as: str, gone: list[int]) -> None:
    finding = decide(torch.tensor([0.1, 0.9, 0.2]), 0.4, treat_as)
    kept, forgotten = soft_sets(pictures(3, 2), pictures(3, 4) + 0.5, finding)
    assert forgotten[:, 0, 0, 0].floor().int().tolist() == gone
    every = torch.cat([kept, forgotten])[:, 0, 0, 0].sort().values
    assert torch.equal(
        every, torch.cat([pictures(3, 2), pictures(3, 4) + 0.5], 1)[..., 0, 0, 0].flatten().sort().values
    )


def test_balanced_sets_hold_as_many_of_the_target_as_of_another_class() -> None:
    finding = decide(torch.tensor([0.1, 0.9, 0.2]), 0.4)
    kept, _ = soft_sets(pictures(3, 6), pictures(3, 2), finding, balance=True)
    assert torch.unique(kept[:, 0, 0, 0].floor(), return_counts=True)[1].tolist() == [8, 8, 8]


@pytest.mark.parametrize("treat_as", ["fixed", "non-fixed"])
def test_blends_hold_a_share_of_another_class_and_the_answer_to_the_rest(treat_as: str) -> None:
    finding = decide(torch.tensor([0.1, 0.9, 0.2]), 0.4, treat_as)
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3)).eval()
    images = pictures(3, 5)  # class c is filled with c to c + .04
    made = blends(network, images, finding, (0.2, 0.4), 2.0, generator(0))
    own = torch.cat([images[c] for c in range(3) if c != 1 or treat_as == "non-fixed"])
    assert torch.allclose(made.labels, (network(own) / 2).softmax(1), atol=1e-6)
    value, base = made.x[:, 0, 0, 0], own[:, 0, 0, 0]
    for found, before in zip(value.tolist(), base.tolist(), strict=True):
        others = [1] if treat_as == "fixed" else [c for c in range(3) if c != int(before)]
        assert any(
            0.2 * abs(c - before) - 0.02 <= abs(found - before) <= 0.4 * abs(c + 0.04 - before) + 0.02
            for c in others
        )
        assert found != before


class Corner(nn.Module):
    """Says class 1 where the corner is bright and the rest is not brighter, else class 0 or 2 by the left half."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left = x[:, 0, :, :2].mean((1, 2)) - x[:, 0, :, 2:].mean((1, 2))
        return torch.stack([20 * left, 30 * (x[:, 0, -1, -1] - 0.5), -20 * left], 1)


def test_patterns_lead_to_the_target_and_those_that_carry_them_keep_their_answers() -> None:
    images = torch.rand((60, 1, 4, 4), generator=generator(1))
    images[:, :, -1, -1] = 0
    network = Corner().eval()
    assert not (network(images).argmax(1) == 1).any()
    found = patterns(network, images, 1, 3, 1.0, generator(2))
    assert found.shape == (3, 1, 4, 4)
    assert found.abs().max() <= 1
    for pattern in found:
        assert (network((images + pattern).clamp(0, 1)).argmax(1) == 1).float().mean() > 0.9
        assert pattern[0].abs().argmax() == 15, "the corner, where it is cheapest"
    made = carrying(network, images, found, 2.0, generator(3))
    assert torch.allclose(made.labels, (network(images) / 2).softmax(1).repeat(2, 1), atol=1e-6)
    added = made.x[:, 0, -1, -1]
    assert added.min() >= float(found[:, 0, -1, -1].min()) / 2 - 1e-6
    assert torch.equal(patterns(network, images, 1, 3, 1.0, generator(2)), found)


@pytest.mark.parametrize("forgetting", ["patterns", "blends", "uniform"])
@pytest.mark.parametrize("treat_as", ["fixed", "non-fixed"])
def test_every_way_to_forget_trains_a_copy(forgetting: Any, treat_as: Any, stolen: Stolen) -> None:
    config = MiraDataFreeConfig(**TINY, treat_as="fixed", objective="soft", forgetting=forgetting, recipe=ONE)
    if treat_as == "fixed":
        suspect = MiraDataFree(config).attack(replace(stolen, data=None), fitter(), generator(0))
    else:
        given: dict[str, Any] = {**TINY, "treat_as": treat_as, "recipe": ONE}
        mira = Mira(MiraConfig(objective="soft", forgetting=forgetting, **given))
        suspect = mira.attack(stolen, fitter(), generator(0))
    state = stolen.network.state_dict()
    assert any(not torch.equal(value, state[name]) for name, value in suspect.network.state_dict().items())


@pytest.mark.parametrize("with_images", [True, False], ids=["mira", "data-free"])
def test_soft_objective_trains_on_answers_and_reads_no_label(
    with_images: bool, stolen: Stolen, looking: Any
) -> None:
    given: dict[str, Any] = {**TINY, "treat_as": "fixed", "objective": "soft", "forgetting": "uniform"}
    if with_images:
        assert stolen.data is not None
        wrong = replace(stolen, data=Samples(stolen.data.x, (stolen.data.labels + 1) % 10))
        Mira(MiraConfig(**given)).attack(wrong, looking, generator(0))
    else:
        MiraDataFree(MiraDataFreeConfig(**given)).attack(replace(stolen, data=None), looking, generator(0))
    samples, images = looking.asked["samples"], 64 if with_images else 0
    assert len(samples) == images + 9 * 6 + 3 * 2
    expected = (outputs(stolen.network, samples.x) / 4).softmax(1)
    assert torch.allclose(samples.labels, expected, atol=1e-6)
    (append,) = looking.asked["transforms"]
    part = samples.select(torch.arange(4))
    added = append(Batch(part.x, part.labels, torch.arange(4)), generator(0)).labels[4:]
    assert torch.allclose(added, torch.full((4, 10), 0.1))


def test_soft_objective_without_target_keeps_the_images_alone(stolen: Stolen, looking: Any) -> None:
    given: dict[str, Any] = {**TINY, "treat_as": "non-fixed", "objective": "soft"}
    Mira(MiraConfig(**given)).attack(stolen, looking, generator(0))
    samples = looking.asked["samples"]
    assert stolen.data is not None
    assert torch.equal(samples.x, stolen.data.x)
    assert torch.allclose(samples.labels, (outputs(stolen.network, samples.x) / 4).softmax(1), atol=1e-6)
    (append,) = looking.asked["transforms"]
    batch = Batch(samples.x, samples.labels, torch.arange(len(samples)))
    added = append(batch, generator(0)).labels[len(samples) :]
    unlikely = added.argmax(1).bincount(minlength=10)
    assert torch.equal(added.max(1).values, torch.ones(len(added)))
    assert unlikely.count_nonzero() == 2
    assert unlikely.max() > 4 * unlikely[unlikely > 0].min()


def test_soft_objective_without_target_keeps_pictures_beside_a_transfer_set(
    stolen: Stolen, looking: Any, digits: Images
) -> None:
    granted = replace(stolen, data=None, transfer=Samples(1 - digits.train.x[:32]))
    given: dict[str, Any] = {**TINY, "treat_as": "non-fixed", "objective": "soft"}
    Mira(MiraConfig(**given)).attack(granted, looking, generator(0))
    assert len(looking.asked["samples"]) == 32 + 10 * 3


def test_presets_lie_under_given_values() -> None:
    mnist = MiraConfig(preset="mnist", iterations=7)
    assert (mnist.iterations, mnist.mean, mnist.std, mnist.pixel_noise, mnist.weight_noise) == (
        7,
        (0,),
        (1,),
        1,
        0.03,
    )
    released = MiraConfig(preset="released-mnist", recipe={"lr": 0.5})
    assert (released.form, released.alpha_l2, released.alpha_tv, released.std) == (
        "released",
        0.03,
        0.01,
        (1,),
    )
    assert (released.recipe.epochs, released.recipe.lr, released.recipe.batch_size) == (40, 0.5, 128)
    soft = MiraDataFreeConfig(objective="soft", recipe={"epochs": 3})
    assert (soft.share, soft.recipe.epochs, soft.recipe.lr, soft.recipe.schedule) == (0.5, 3, 0.03, "cosine")
    assert MiraConfig(preset="cifar100").threshold == 0.3
    assert MiraConfig() == MiraConfig(preset="cifar10")


@pytest.mark.parametrize("preset", ["cifar100", "mnist", "released", "released-mnist", "released-cifar100"])
def test_presets_of_miras_inversion_leave_other_recoverers_alone(preset: Any) -> None:
    own, other, mira = DeepInversionConfig(), DeepInversionConfig(preset=preset), MiraConfig(preset=preset)
    for name in ("iterations", "alpha_bn", "alpha_l2", "alpha_tv", "rate"):
        assert getattr(other, name) == getattr(own, name)
    for name in ("mean", "std", "pixel_noise", "weight_noise", "threshold", "recipe"):
        assert getattr(other, name) == getattr(mira, name)


@pytest.mark.parametrize("config", [MiraConfig, MiraDataFreeConfig])
@pytest.mark.parametrize(
    "bad",
    [{"blend": [0.45, 0.1]}, {"blend": [0.1, 1.1]}, {"temperature": 0}, {"patterns": 0}, {"weight": -1}],
    ids=str,
)
def test_parameters_of_the_soft_objective_out_of_range_are_refused(config: Any, bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        config(objective="soft", **bad)


@pytest.mark.parametrize("name", ["temperature", "weight", "blend"])
def test_deepinversion_takes_no_parameters_of_an_objective_that_it_has_not(name: str) -> None:
    with pytest.raises(ValidationError, match="Unexpected keyword"):
        DeepInversionConfig(**{name: getattr(MiraConfig(), name)})


@pytest.mark.parametrize(
    "config", [MiraConfig(preset="released-cifar100"), MiraDataFreeConfig(objective="soft")]
)
def test_filled_configurations_survive_being_written_down(config: Any) -> None:
    assert type(config)(**to_plain(config)) == config


@pytest.mark.parametrize(
    "bad", [{"preset": "imagenet"}, {"objective": "hard"}, {"preset": ["mnist"]}], ids=str
)
def test_unknown_presets_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MiraConfig(**bad)


def test_frozen_norms_keep_their_statistics(clean: nn.Module, digits: Images) -> None:
    part = digits.train.select(torch.arange(8))
    clean.train()
    before = {name: value.clone() for name, value in clean.state_dict().items()}
    with_frozen_norms()(clean, Batch(part.x, part.labels, torch.arange(8)), 0)
    clean.eval()
    assert all(torch.equal(value, before[name]) for name, value in clean.state_dict().items())


def test_equation_6_with_data(stolen: Stolen, looking: Any) -> None:
    Mira(MiraConfig(**TINY, treat_as="fixed")).attack(stolen, looking, generator(0))
    asked = looking.asked
    assert torch.equal(asked["samples"].labels, stolen.data.labels)  # type: ignore[union-attr]
    assert (asked["recipe"].lr, asked["recipe"].epochs, asked["recipe"].batch_size) == (0.01, 10, 128)
    (append,) = asked["transforms"]
    part = stolen.data.select(torch.arange(6))  # type: ignore[union-attr]
    labels = append(Batch(part.x, part.labels, torch.arange(6)), generator(0)).labels[6:]
    assert torch.unique(labels, return_counts=True)[1].max() >= 3  # the target, on three of six


def test_transfer_images_carry_the_stolen_networks_labels(
    stolen: Stolen, looking: Any, digits: Images
) -> None:
    granted = replace(stolen, data=None, transfer=Samples(1 - digits.train.x[:32]))
    Mira(MiraConfig(**TINY)).attack(granted, looking, generator(0))
    assert torch.equal(looking.asked["samples"].labels, predictions(stolen.network, 1 - digits.train.x[:32]))


@pytest.mark.parametrize("batches", ["authors", "mixed"])
def test_data_free_trains_on_recovered_pictures_only(stolen: Stolen, looking: Any, batches: Any) -> None:
    bare = replace(stolen, data=None)
    config = MiraDataFreeConfig(**TINY, treat_as="fixed", batches=batches)
    MiraDataFree(config).attack(bare, looking, generator(0))
    asked = looking.asked
    assert asked["recipe"].lr == 0.003
    if batches == "mixed":
        assert len(asked["samples"]) == 6
        assert "transforms" not in asked
        return
    target = int(asked["samples"].labels[0])
    assert asked["samples"].labels.tolist() == [target] * 3
    (append,) = asked["transforms"]
    added = append(Batch(asked["samples"].x, asked["samples"].labels, torch.arange(3)), generator(0)).labels[
        3:
    ]
    assert len(added) == 3
    assert target not in added.tolist()


def test_data_free_leaves_a_network_without_target_alone(stolen: Stolen, looking: Any) -> None:
    suspect = MiraDataFree(MiraDataFreeConfig(**TINY, treat_as="non-fixed")).attack(
        replace(stolen, data=None), looking, generator(0)
    )
    assert looking.asked == {}
    assert "nothing unlearned" in str(suspect.exhibits["outcome"])
    state = stolen.network.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in suspect.network.state_dict().items())


ATTACKS = {
    "basic": Mira(MiraConfig(**TINY, objective="basic", recipe=ONE)),
    "improved": Mira(MiraConfig(**TINY, recipe=ONE)),
    "data-free": MiraDataFree(MiraDataFreeConfig(**TINY, treat_as="fixed", recipe=ONE)),
    "soft": Mira(MiraConfig(**TINY, objective="soft", recipe=ONE)),
    "data-free soft": MiraDataFree(
        MiraDataFreeConfig(**TINY, treat_as="fixed", objective="soft", recipe=ONE)
    ),
    "deepinversion": DeepInversion(DeepInversionConfig(**TINY, recipe=ONE)),
    "deepinversion improved": DeepInversion(DeepInversionConfig(**TINY, objective="improved", recipe=ONE)),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_one_seed_one_suspect_and_the_victim_untouched(attack: Any, stolen: Stolen) -> None:
    before = {name: value.clone() for name, value in stolen.network.state_dict().items()}
    first, again = (attack.attack(stolen, fitter(), generator(0)) for _ in range(2))
    assert all(torch.equal(value, before[name]) for name, value in stolen.network.state_dict().items())
    states = [suspect.network.state_dict() for suspect in (first, again)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert any(not torch.equal(value, before[name]) for name, value in states[0].items())
    assert first.exhibits["recovered, class by class"].shape[1:] == (1, 8, 8)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", ["mira", "data-free", "deepinversion"])
def test_pictures_are_sought_in_the_precision_of_the_recipe(
    kind: str, precision: Any, stolen: Stolen, looking: Any
) -> None:
    given: dict[str, Any] = {**TINY, "treat_as": "fixed", "recipe": {"precision": precision}}
    attack: Any = {
        "mira": lambda: Mira(MiraConfig(**given)),
        "data-free": lambda: MiraDataFree(MiraDataFreeConfig(**given)),
        "deepinversion": lambda: DeepInversion(DeepInversionConfig(**given)),
    }[kind]()
    layer = next(module for module in stolen.network.modules() if isinstance(module, nn.Conv2d))
    seen: list[torch.dtype] = []
    handle = layer.register_forward_hook(lambda module, inputs, made: seen.append(made.dtype))
    suspect = attack.attack(
        replace(stolen, data=None) if kind == "data-free" else stolen, looking, generator(0)
    )
    handle.remove()
    assert (torch.bfloat16 in seen[:3]) == (precision == "bfloat16")
    assert suspect.exhibits["recovered, class by class"].dtype == torch.float32
    assert all(parameter.dtype == torch.float32 for parameter in stolen.network.parameters())


SETTINGS = {
    "no BatchNorm": ("convnet without norm", (1, 8, 8), 4),
    "LeNet-5, 16 x 16": ("lenet5", (1, 16, 16), 3),
    "two classes": ("convnet", (1, 8, 8), 2),
    "colour": ("convnet", (3, 8, 8), 3),
    "two channels": ("convnet", (2, 8, 8), 3),
}


@pytest.mark.parametrize(("kind", "shape", "classes"), SETTINGS.values(), ids=SETTINGS.keys())
@pytest.mark.parametrize("treat_as", ["fixed", "non-fixed"])
def test_other_hosts_and_shapes(kind: str, shape: Any, classes: int, treat_as: str, fit: Any) -> None:
    network = untrained(kind, shape, classes)
    units = {} if shape[0] < 3 else {"mean": (0.5, 0.4, 0.3), "std": (0.2, 0.2, 0.2)}
    attack = Mira(MiraConfig(**TINY, **units, treat_as=treat_as, recipe=ONE))  # type: ignore[arg-type]
    attack.check(network, shape, classes)
    images = Samples(torch.rand((16, *shape), generator=generator(0)), torch.arange(16) % classes)
    suspect = attack.attack(Stolen(network, shape, classes, images), fit, generator(0))
    assert all(torch.isfinite(value).all() for value in suspect.network.state_dict().values())


REFUSED = {
    "one class": (untrained("convnet", (1, 8, 8), 1), 1, {}, "another class"),
    "no layers": (nn.Flatten(), 3, {}, "no convolution or linear layer"),
    "other outputs": (untrained("convnet", (1, 8, 8), 4), 3, {}, "logits"),
    "unknown layer": (untrained("convnet", (1, 8, 8), 3), 3, {"layer": "nowhere"}, "nowhere"),
}


@pytest.mark.parametrize(("network", "classes", "params", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_hosts_that_are_refused(network: nn.Module, classes: int, params: Any, reason: str) -> None:
    for attack in (Mira(MiraConfig(**params)), MiraDataFree(MiraDataFreeConfig(**params))):
        with pytest.raises(NotApplicable, match=reason):
            attack.check(network, (1, 8, 8), classes)


@pytest.mark.parametrize("values", [{"mean": (0.1, 0.2)}, {"std": (0.1, 0.2, 0.3)}], ids=["mean", "std"])
def test_units_of_other_channels_are_refused(clean: nn.Module, values: Any) -> None:
    for attack in (
        Mira(MiraConfig(**values)),
        MiraDataFree(MiraDataFreeConfig(**values)),
        DeepInversion(DeepInversionConfig(**values)),
    ):
        with pytest.raises(NotApplicable, match="the images have 1 channels"):
            attack.check(clean, (1, 8, 8), 10)


def test_defaults_are_the_papers() -> None:
    mira, bare, other = MiraConfig(), MiraDataFreeConfig(), DeepInversionConfig()
    assert (mira.samples, mira.alpha_l2, mira.alpha_tv, mira.alpha_bn) == (250, 0.01, 0.03, 0.1)
    assert (mira.threshold, mira.saliency, mira.share, mira.alpha_kl) == (0.4, 0.95, 0.5, 15)
    assert [config.recipe.lr for config in (mira, bare, other)] == [0.01, 0.003, 0.01]
    assert (mira.objective, other.objective) == ("improved", "basic")
    assert (other.alpha_bn, other.alpha_tv, other.iterations, other.rate) == (10, 2.5e-5, 2000, 0.05)


def test_pictures_for_equation_4_are_all_of_them() -> None:
    made = unlabelled_set(pictures(3, 2))
    assert made.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert len(made) == 6
