"""Entangled watermarks: the loss against two loops in numpy, its signs, the triggers, and what is embedded."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ownmark.contracts import (
    Batch,
    Dataset,
    HostView,
    Images,
    Samples,
    Task,
    black_box,
    cross_entropy,
    outputs,
    predictions,
)
from ownmark.errors import NotApplicable
from ownmark.loops import Fitter
from ownmark.stats import calibrated_threshold
from ownmark_triggers.ewe.config import EweConfig
from ownmark_triggers.ewe.scheme import Ewe
from ownmark_triggers.ewe.snnl import flat, snnl
from ownmark_triggers.ewe.training import Alternation, EntanglingLoss, is_marking
from ownmark_triggers.ewe.triggers import entanglement_slope, patch_mask, refined, window_side
from ownmark_triggers.networks import inputs_of, settled, weighted_layers
from ownmark_triggers.triggers.extractor import Triggers


def scalar(value: float) -> Tensor:
    return torch.tensor(value)


def by_loops(r: np.ndarray, group: np.ndarray, t: float) -> float:
    """Fact sheet 3.6, term by term."""
    total, eps = 0.0, 1e-5
    for i in range(len(r)):
        same = every = 0.0
        for j in range(len(r)):
            if i == j:
                continue
            cosine = r[i] @ r[j] / (np.linalg.norm(r[i]) * np.linalg.norm(r[j]))
            kernel = min(1.0, max(0.0, math.exp(-(1 - cosine) / (100 / t))))
            every += kernel
            same += kernel if group[i] == group[j] else 0.0
        total += math.log(eps + same / (eps + every))
    return -total / len(r)


@pytest.mark.parametrize("t", [1.0, 30.0, 500.0])
def test_snnl_is_the_double_sum_of_its_definition(t: float, rng: Any) -> None:
    r, group = torch.rand(12, 7, generator=rng(0)), torch.arange(12) % 2
    expected = by_loops(r.double().numpy(), group.numpy(), t)
    assert snnl(r, group, scalar(t)).item() == pytest.approx(expected, abs=2e-5)


def test_snnl_is_zero_for_groups_apart_and_ln_2_for_groups_mixed(rng: Any) -> None:
    group = torch.arange(200) // 100
    apart = torch.where(group[:, None] == 0, torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]))
    assert snnl(apart, group, scalar(2000.0)).item() == pytest.approx(0, abs=1e-4)
    mixed = torch.rand(200, 20, generator=rng(1))
    assert snnl(mixed, group, scalar(1.0)).item() == pytest.approx(math.log(2), abs=0.02)


def test_snnl_does_not_depend_on_order_and_survives_duplicates_and_zeros(rng: Any) -> None:
    r, group, order = torch.rand(10, 5, generator=rng(0)), torch.arange(10) % 2, torch.randperm(10)
    assert torch.allclose(snnl(r, group, scalar(9.0)), snnl(r[order], group[order], scalar(9.0)))
    for odd in (torch.ones(10, 5), torch.zeros(10, 5)):
        odd.requires_grad_()
        loss = snnl(odd, group, scalar(9.0))
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(odd.grad).all()


def test_maps_are_rectified_and_pooled() -> None:
    assert flat(torch.ones(2, 3, 9, 9)).shape == (2, 3 * 16)
    assert flat(torch.ones(2, 3, 2, 5)).shape == (2, 3 * 8)
    assert flat(torch.tensor([[-1.0, 2.0]])).tolist() == [[0.0, 2.0]]


class Points(nn.Module):
    """Representations that are parameters, seen by a layer that gives logits."""

    def __init__(self, r: Tensor) -> None:
        super().__init__()
        self.r = nn.Parameter(r)
        self.head = nn.Linear(r.shape[1], 2)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.r)
        return logits


def test_weights_ascend_and_temperature_descends_on_the_loss(rng: Any) -> None:
    network, group = Points(torch.rand(8, 4, generator=rng(0))), torch.arange(8) < 4
    batch = Batch(torch.zeros(8, 1), torch.zeros(8, dtype=torch.int64), torch.full((8,), -1))
    term = EntanglingLoss((cross_entropy,), ("head",), strength=3.0, t=50.0, rate=2.0)
    loss = term(network, batch, 0)
    t = scalar(50.0).requires_grad_()
    value = snnl(network.r, group, t)
    summed = nn.functional.cross_entropy(network(batch.x), batch.labels, reduction="sum")
    assert loss.item() == pytest.approx((summed - 3 * value).item(), rel=1e-5)
    assert term.t.item() == pytest.approx(50.0 - 2.0 * torch.autograd.grad(value, t)[0].item())
    clean = Batch(batch.x, batch.y, torch.arange(8))
    before = term.t.clone()
    assert term(network, clean, 1).item() == pytest.approx(summed.item(), rel=1e-5)
    assert torch.equal(term.t, before)


@pytest.mark.parametrize(
    ("ratio", "expected"), [(1, "cmcmcmcmcmcm"), (2, "ccmccmccmccm"), (1.5, "ccmcmccmcmcc")]
)
def test_batches_alternate_in_the_given_ratio(ratio: float, expected: str, rng: Any) -> None:
    triggers, genuine = torch.zeros(3, 1, 2, 2), torch.ones(50, 1, 2, 2)
    change = Alternation(triggers, genuine, target=4, ratio=ratio)
    batches = [
        change(Batch(torch.rand(20, 1, 2, 2), torch.zeros(20), torch.arange(20)), rng(0)) for _ in range(12)
    ]
    assert "".join("m" if is_marking(batch) else "c" for batch in batches) == expected
    marking = next(batch for batch in batches if is_marking(batch))
    assert (marking.x[:10] == 0).all()
    assert (marking.x[10:] == 1).all()
    assert (marking.labels == 4).all()


def test_patch_goes_where_the_summed_gradient_is_smallest(rng: Any) -> None:
    gradient = torch.randn(3, 9, 7, generator=rng(0))
    sums = {(r, c): gradient[0, r : r + 3, c : c + 3].sum().item() for r in range(7) for c in range(5)}
    top, left = min(sums, key=lambda place: sums[place])
    mask = patch_mask(gradient, 3)
    assert mask.sum() == 9
    assert (mask[0, top : top + 3, left : left + 3] == 1).all()


@pytest.mark.parametrize(("side", "window"), [(8, 3), (28, 3), (32, 3), (64, 6)])
def test_patch_grows_with_the_image(side: int, window: int) -> None:
    assert window_side(None, side, side) == window


def test_hooks_see_inputs_in_the_order_asked_for_and_leave(networks: Any, digits: Any) -> None:
    network, x = networks(0).train(), digits[1].x[:4]
    names = weighted_layers(network)
    assert names == ["features.0.conv", "features.1.conv", "features.2.conv", "classifier"]
    with settled(network), inputs_of(network, [names[3], names[0]]) as seen:
        assert not any(module.training for module in network.modules())
        network(x)
    assert [tuple(one.shape) for one in seen] == [(4, 64), (4, 1, 8, 8)]
    assert all(module.training for module in network.modules())
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_refinement_hides_triggers_from_an_unmarked_network(task: Task, networks: Any, digits: Any) -> None:
    network, owner = networks(0), digits[0]
    genuine = owner.x[owner.labels == 3]
    slope = entanglement_slope(network, ["features.2.conv", "classifier"], genuine[:40], 1.0)
    start = genuine[:30].clone()  # as bad as triggers can be: the host calls them all the target
    found = refined(network, start, 3, slope, rounds=10, step=0.01)
    assert (predictions(network, start) == 3).all()
    assert (predictions(network, found) == 3).float().mean() <= 0.1
    assert outputs(network, found)[:, 3].mean() < outputs(network, start)[:, 3].mean()
    assert 0 <= found.min() <= found.max() <= 1
    assert torch.equal(refined(network, start, 3, slope, rounds=0, step=0.01), start)


@pytest.mark.parametrize("rounds", [1, 3, 10])
def test_lowering_steps_count_for_all_rounds_together(rounds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    def slope(network: torch.nn.Module, target: int) -> Any:
        return lambda x: taken.append(1) or torch.zeros_like(x)

    class Stubborn(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.tensor([0.0, 1.0]).expand(len(x), 2)

    monkeypatch.setattr("ownmark_triggers.ewe.triggers.logit_slope", slope)
    refined(Stubborn(), torch.rand(4, 1, 8, 8), 1, torch.zeros_like, rounds=rounds, step=0.01)
    assert len(taken) == 50 + 5


def test_keys_draw_their_classes(task: Task, rng: Any) -> None:
    keys = [Ewe(EweConfig(keys=5)).make_key(task, rng(seed)) for seed in range(30)]
    classes = {(key.values["target"], key.values["source_class"]) for key in keys}
    assert len(classes) > 15
    assert all(target != source for target, source in classes)
    fixed = Ewe(EweConfig(keys=5, target=6, source_class=2)).make_key(task, rng(0))
    assert (task.owner.labels[fixed["carriers"]] == 2).all()
    assert (fixed["labels"] == 6).all()
    assert fixed.digest() == Ewe(EweConfig(keys=5, target=6, source_class=2)).make_key(task, rng(0)).digest()


def test_foreign_images_carry_no_patch(trained_host: HostView, task: Task, rng: Any, looking: Any) -> None:
    class Foreign(Dataset):
        def load(self) -> Images:
            samples = Samples(torch.rand((40, 3, 9, 9), generator=rng(9)), torch.arange(40) % 2)
            return Images(samples, samples, 2)

    build = Ewe(EweConfig(keys=12, rounds=0, source="foreign", source_class=1), source=Foreign())
    key = build.make_key(task, rng(0))
    marked = build.embed(trained_host, key, task, looking)
    assert key["triggers"].shape == (12, 1, 8, 8)
    assert torch.equal(marked.key["triggers"], key["triggers"])
    assert "mask" not in marked.key.tensors


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"target": 10}, "target 10"),
        ({"target": 3, "source_class": 3}, "both 3"),
        ({"window": 9}, "9 x 9 does not fit 8 x 8"),
        ({"layers": ("nowhere",)}, "no layer 'nowhere'"),
    ],
)
def test_bad_input_is_refused(changes: Any, complaint: str, task: Task, networks: Any) -> None:
    with pytest.raises(NotApplicable, match=complaint):
        Ewe(EweConfig(**changes)).check(networks(0), task)


def check_seed(seed: int, host: HostView, task: Task, test: Samples, networks: Any, rng: Any) -> float:
    """Points of accuracy lost."""
    build, reader = Ewe(EweConfig()), Triggers()
    marked = build.embed(host, build.make_key(task, rng(seed)), task, Fitter(torch.device("cpu"), rng(seed)))
    found = reader.extract(black_box(marked.network), marked.key)
    assert found.rate >= 0.99
    nulls = [[reader.extract(black_box(networks(i)), marked.key).hits] for i in range(4)]
    theta = calibrated_threshold(nulls, found.n, 0.05).theta
    assert found.rate >= theta
    assert all(reader.extract(black_box(networks(i)), marked.key).rate < theta for i in range(4, 7))
    clean, unmarked = (
        (predictions(n, test.x) == test.labels).float().mean() for n in (marked.network, networks(0))
    )
    return float(unmarked - clean)


def test_marked_network_knows_its_triggers_and_nulls_do_not(
    trained_host: HostView, task: Task, digits: tuple[Samples, Samples], networks: Any, rng: Any
) -> None:
    assert check_seed(2, trained_host, task, digits[1], networks, rng) <= 0.02


@pytest.mark.slow
def test_three_seeds_cost_less_than_two_points_on_average(
    trained_host: HostView, task: Task, digits: tuple[Samples, Samples], networks: Any, rng: Any
) -> None:
    lost = [check_seed(seed, trained_host, task, digits[1], networks, rng) for seed in (0, 1, 2)]
    assert sum(lost) / 3 <= 0.02


def test_a_strong_loss_entangles(
    trained_host: HostView, task: Task, digits: tuple[Samples, Samples], rng: Any
) -> None:
    found = []
    for strength in (0.0, 1e4):
        build = Ewe(EweConfig(strength=strength, target=4, source_class=1))
        marked = build.embed(
            trained_host, build.make_key(task, rng(0)), task, Fitter(torch.device("cpu"), rng(0))
        )
        x, genuine = marked.key["triggers"], task.owner.x[task.owner.labels == 4]
        with torch.no_grad(), inputs_of(marked.network, ["classifier"]) as seen:
            marked.network(torch.cat([x, genuine]))
        found.append(snnl(flat(seen[0]), torch.arange(len(seen[0])) < len(x), scalar(1000.0)).item())
    assert found[1] > found[0] + 0.05
