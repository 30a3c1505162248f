"""ANP: masked BatchNorm, the minimax loss, what is pruned, who chooses the threshold."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ownmark.contracts import Batch, Stolen, outputs
from ownmark.errors import NotApplicable
from ownmark_repair.anp.attack import Anp, largest_threshold
from ownmark_repair.anp.config import AnpConfig
from ownmark_repair.anp.masks import AdversarialMasks, MaskedNorm, clamp, prunable_norms, prune, with_masks


def test_masked_norm_is_the_papers_formula() -> None:
    norm = nn.BatchNorm2d(3)
    nn.init.uniform_(norm.weight, 0.5, 2)
    nn.init.uniform_(norm.bias, -1, 1)
    norm.train()(2 + torch.randn(20, 3, 4, 4))
    masked, x = MaskedNorm(norm).eval(), torch.randn(5, 3, 2, 2)
    with torch.no_grad():
        masked.mask.copy_(torch.tensor([1.0, 0.3, 0.0]))
    masked.delta, masked.xi = torch.tensor([0.1, -0.2, 0.4]), torch.tensor([-0.4, 0.0, 0.3])
    scaled = (x - norm.running_mean[:, None, None]) / (norm.running_var[:, None, None] + 1e-5).sqrt()
    scale = (masked.mask + masked.delta) * norm.weight
    expected = scale[:, None, None] * scaled + ((1 + masked.xi) * norm.bias)[:, None, None]
    torch.testing.assert_close(masked(x), expected, atol=1e-5, rtol=1e-5)


def test_masks_of_one_change_nothing(stolen: Stolen) -> None:
    network, x = stolen.copy(), stolen.images().x
    assert len(with_masks(network)) == 3
    torch.testing.assert_close(outputs(network, x), outputs(stolen.network, x))


@pytest.mark.parametrize("project", [False, True])
def test_perturbation_stays_within_what_is_said_and_raises_the_loss(
    stolen: Stolen, rng: Any, project: bool
) -> None:
    network = stolen.copy().train()
    masked = with_masks(network)
    batch = Batch(stolen.images().x, stolen.images().labels, torch.arange(64))
    seen: list[torch.Tensor] = []
    masked[0].register_forward_hook(
        lambda module, i, o: seen.append(module.delta) if module.delta is not None else None
    )
    AdversarialMasks(masked, 0.4, 1, 0.2, project, rng(0))(network, batch, 0).backward()
    first, last = seen[0], seen[-1]
    assert float(first.detach().abs().max()) <= 0.4
    assert float(last.abs().max()) <= (0.4 if project else 0.8) + 1e-6
    assert all(one.mask.grad is not None and one.delta is None for one in masked)
    fixed = [parameter for one in masked for parameter in one.norm.parameters()]
    assert len(fixed) == 6
    assert all(parameter.grad is None for parameter in fixed)


def test_loss_weighs_clean_and_perturbed_passes(stolen: Stolen, rng: Any) -> None:
    network = stolen.copy().train()
    masked = with_masks(network)
    batch = Batch(stolen.images().x, stolen.images().labels, torch.arange(64))
    clean = F.cross_entropy(copy.deepcopy(network)(batch.x), batch.labels).item()
    values = {
        a: AdversarialMasks(masked, 0.4, 1, a, False, rng(0))(network, batch, 0).item()
        for a in (0.0, 0.2, 1.0)
    }
    assert values[1.0] == pytest.approx(clean, rel=1e-4)
    assert values[0.0] > clean
    assert values[0.2] == pytest.approx(0.2 * clean + 0.8 * values[0.0], rel=1e-4)


def test_masks_are_kept_between_0_and_1(stolen: Stolen) -> None:
    masked = with_masks(stolen.copy())
    with torch.no_grad():
        masked[0].mask.uniform_(-2, 3)
    clamp(masked)
    assert 0 <= float(masked[0].mask.detach().min()) <= float(masked[0].mask.detach().max()) <= 1


@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.95])
def test_scales_up_to_the_threshold_go_and_shifts_stay(stolen: Stolen, rng: Any, threshold: float) -> None:
    network = stolen.copy()
    masks = [
        torch.rand(len(network.get_submodule(n).weight), generator=rng(i))
        for i, n in enumerate(prunable_norms(network))
    ]
    masks[0][0] = 0
    before = {name: value.clone() for name, value in network.state_dict().items()}
    prune(network, masks, threshold)
    after = network.state_dict()
    for name, mask in zip(prunable_norms(network), masks, strict=True):
        expected = torch.where(mask <= threshold, torch.zeros(()), before[f"{name}.weight"])
        assert torch.equal(after.pop(f"{name}.weight"), expected)
    assert all(torch.equal(value, before[name]) for name, value in after.items())


@pytest.mark.parametrize(
    ("accuracies", "chosen"),
    [({0.35: 0.9, 0.4: 0.8, 0.6: 0.9}, 0.35), ({}, 0.95), ({0.05: 0.1}, 0.0), ({0.0: 0.86}, None)],
    ids=["dip", "all", "only 0", "none"],
)
def test_threshold_is_the_largest_before_the_first_loss(
    accuracies: dict[float, float], chosen: float | None
) -> None:
    assert largest_threshold(lambda t: accuracies.get(round(t, 2), 0.9), 0.9, 0.03) == chosen


def test_suspect_differs_in_scales_alone_and_says_what_went(stolen: Stolen, fit: Any, rng: Any) -> None:
    settings = AnpConfig(threshold=0.5, recipe={"epochs": 2, "lr": 2.0})  # type: ignore[arg-type]
    suspect = Anp(settings).attack(stolen, fit, rng(0))
    before = stolen.network.state_dict()
    changed = {
        name for name, value in suspect.network.state_dict().items() if not torch.equal(value, before[name])
    }
    assert changed <= {f"{name}.weight" for name in prunable_norms(stolen.network)}
    gone = sum(
        int((suspect.network.get_submodule(n).weight == 0).sum()) for n in prunable_norms(stolen.network)
    )
    assert suspect.exhibits["pruned"] == gone
    assert suspect.exhibits["neurons"] == 160


@pytest.mark.parametrize(
    "network", [nn.Linear(4, 2), nn.Sequential(nn.GroupNorm(1, 4), nn.BatchNorm2d(4, affine=False))]
)
def test_networks_without_scales_are_refused(network: nn.Module) -> None:
    with pytest.raises(NotApplicable, match="BatchNorm"):
        Anp(AnpConfig()).check(network, (1, 2, 2), 2)


def test_app_preset_has_its_threshold() -> None:
    assert AnpConfig(preset="app").threshold == 0.6
    assert AnpConfig().threshold is None


@pytest.mark.parametrize("threshold", [0.0, 0.3])
def test_a_threshold_below_all_masks_prunes_nothing(
    stolen: Stolen, fit: Any, rng: Any, threshold: float
) -> None:
    settings = AnpConfig(threshold=threshold, recipe={"epochs": 1, "lr": 0.01})  # type: ignore[arg-type]
    suspect = Anp(settings).attack(stolen, fit, rng(0))
    assert suspect.exhibits["pruned"] == 0
    before = stolen.network.state_dict()
    assert all(torch.equal(value, before[name]) for name, value in suspect.network.state_dict().items())


@pytest.mark.parametrize(
    ("dead", "drop", "threshold"),
    [(160, 0.03, None), (8, 0.03, None), (4, 0.03, 0.0), (8, 0.06, 0.0), (160, 1.0, 0.95)],
    ids=["all dead", "a few too many", "few enough", "more allowed", "all allowed"],
)
def test_a_threshold_that_costs_more_than_allowed_is_not_taken(
    stolen: Stolen,
    rng: Any,
    monkeypatch: pytest.MonkeyPatch,
    dead: int,
    drop: float,
    threshold: float | None,
) -> None:
    def alive(network: nn.Module, held: object) -> float:
        scales = torch.cat([network.get_submodule(n).weight for n in prunable_norms(network)])  # type: ignore[misc]
        return float((scales != 0).float().mean())

    class Killing:
        rng = torch.Generator().manual_seed(0)

        def __call__(self, network: nn.Module, *rest: object, **more: object) -> nn.Module:
            """Push the first masks to 0, and the others nearly there."""
            left = dead
            for one in (m for m in network.modules() if isinstance(m, MaskedNorm)):
                with torch.no_grad():
                    one.mask.fill_(0.02)[: max(0, left)] = 0
                left -= len(one.mask)
            return network

    monkeypatch.setattr("ownmark_repair.anp.attack.accuracy", alive)
    suspect = Anp(AnpConfig(drop=drop)).attack(stolen, Killing(), rng(0))  # type: ignore[arg-type]
    assert suspect.exhibits.get("threshold") == threshold
    assert suspect.exhibits["pruned"] == (0 if threshold is None else dead)
    assert alive(suspect.network, None) == pytest.approx(1 - suspect.exhibits["pruned"] / 160)  # type: ignore[operator]
    assert ("left_alone" in suspect.exhibits) == (suspect.exhibits.get("reach") == 0) == (threshold is None)
