"""Drawing and applying: alpha, layers, variants, given signs, precision, and what is refused."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest
import torch
from tests.plugins.invariance.architectures import CASES, Head, cbr, ready
from torch import Tensor, nn

from ownmark_invariance.grouping import (
    CannotTransform,
    Groups,
    NotEquivalent,
    Transform,
    analyse,
    apply,
    draw,
    verify_equivalence,
)

IMAGE = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def plain(width: int = 32, norm=nn.BatchNorm2d) -> nn.Sequential:
    layers = [
        nn.Conv2d(3, width, 3),
        norm(width),
        nn.ReLU(),
        nn.Conv2d(width, width, 3),
        norm(width),
        nn.ReLU(),
    ]
    model = nn.Sequential(*layers, Head(width))
    return ready(model)


def drawn(groups: Groups, seed: int = 0, **switches) -> Transform:
    rng = torch.Generator().manual_seed(seed)
    return draw(groups, rng, **{"permute": True, "scale": True, "flip": True, **switches})


def state(model: nn.Module) -> bytes:
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("name", CASES)
def test_the_given_model_is_untouched(name: str) -> None:
    model, example = ready(CASES[name].build()), CASES[name].example()
    before = state(model)
    groups = analyse(model, example)
    apply(model, groups, drawn(groups), example)
    assert state(model) == before


@pytest.mark.parametrize("name", ["vgg", "pruned", "weight_norm", "spectral_norm", "gru_cell_tied", "vit"])
def test_state_dict_round_trip(name: str) -> None:
    model, example = ready(CASES[name].build()), CASES[name].example()
    groups = analyse(model, example)
    after = apply(model, groups, drawn(groups), example)
    again = CASES[name].build().eval()
    again.load_state_dict(after.state_dict())
    assert verify_equivalence(after, again, example, tolerance=0) == 0


def test_pruned_weights_are_recomputed() -> None:
    model, example = ready(CASES["pruned"].build()), CASES["pruned"].example()
    groups = analyse(model, example)
    after = apply(model, groups, drawn(groups), example)
    assert torch.equal(after[2].weight, after[2].weight_orig * after[2].weight_mask)


def test_alpha_zero_is_the_identity() -> None:
    model = plain()
    groups = analyse(model, IMAGE)
    change = drawn(groups, alpha=0.0)
    assert change.is_identity
    assert state(apply(model, groups, change, IMAGE)) == state(model)


@pytest.mark.parametrize(("alpha", "count"), [(1 / 32, 2), (1 / 16, 2), (1 / 4, 8), (1 / 2, 16), (1.0, 32)])
def test_alpha_chooses_one_set_for_all_three(alpha: float, count: int) -> None:
    model = plain()
    groups = analyse(model, IMAGE)
    change = drawn(groups, alpha=alpha, exponents=(1, 4))
    conv = model[0].weight
    for switches in (
        {"scale": False, "flip": False},
        {"permute": False, "flip": False},
        {"permute": False, "scale": False},
    ):
        part = drawn(groups, alpha=alpha, exponents=(1, 4), **switches)
        assert np.array_equal(part.chosen, change.chosen)
        rows = (apply(model, groups, part, IMAGE)[0].weight != conv).flatten(1).any(1)
        assert int(rows.sum()) <= count
        if "permute" in switches and "flip" in switches:
            assert int(rows.sum()) == count
    assert int(change.chosen.sum()) == 2 * count


def test_switches_do_not_change_the_other_draws() -> None:
    groups = analyse(plain(), IMAGE)
    both, alone = drawn(groups, 4), drawn(groups, 4, permute=False, scale=False)
    assert np.array_equal(both.sign, alone.sign)
    assert not alone.exponent.any()


def test_layers_restrict_what_changes() -> None:
    model = plain()
    groups = analyse(model, IMAGE)
    after = apply(model, groups, drawn(groups, layers=lambda name: name == "3"), IMAGE)
    changed = {n for n, p in model.state_dict().items() if not torch.equal(p, after.state_dict()[n])}
    assert changed == {f"3.{p}" for p in ("weight", "bias")} | {
        f"4.{p}" for p in ("weight", "bias", "running_mean", "running_var")
    } | {"6.fc.weight"}


@pytest.mark.parametrize(
    ("variant", "untouched"),
    [
        ("pre_norm", {"1.weight", "1.bias", "6.fc.weight"}),
        ("post_norm", {"0.weight", "0.bias", "1.running_var"}),
    ],
)
def test_variants_leave_their_side_alone(variant, untouched: set[str]) -> None:
    model = plain()
    groups = analyse(model, IMAGE)
    change = drawn(groups, permute=False, flip=False, variant=variant)
    after = apply(model, groups, change, IMAGE, tolerance=0).state_dict()
    changed = {n for n, p in model.state_dict().items() if not torch.equal(p, after[n])}
    assert changed
    assert not changed & untouched


def test_paper_scales_a_layer_and_its_norm_alike() -> None:
    model = plain()
    groups = analyse(model, IMAGE)
    after = apply(model, groups, drawn(groups, permute=False, flip=False), IMAGE)
    kappa = (after[0].bias / model[0].bias).detach()
    assert torch.equal(kappa, (after[1].bias / model[1].bias).detach())
    sigma = [(net[1].running_var + net[1].eps).sqrt() for net in (after, model)]
    torch.testing.assert_close(sigma[0] / sigma[1], kappa)
    assert set(kappa.log2().tolist()) <= set(range(17))


def test_pre_norm_scales_work_in_front_of_any_activation() -> None:
    model = ready(nn.Sequential(cbr(3, 16, act=nn.SiLU), Head(16)))
    groups = analyse(model, IMAGE)
    assert drawn(groups, permute=False, flip=False).is_identity
    after = apply(
        model, groups, drawn(groups, permute=False, flip=False, variant="pre_norm"), IMAGE, tolerance=0
    )
    assert not torch.equal(after[0][0].weight, model[0][0].weight)


def test_small_factors_may_make_a_stored_variance_negative_and_stay_exact() -> None:
    model = plain()
    groups = analyse(model, IMAGE)
    change = drawn(groups, permute=False, flip=False, exponents=(-6, -1))
    assert (apply(model, groups, change, IMAGE, tolerance=1e-5)[1].running_var[0] < 0).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_scales_after_the_norm_only(dtype: torch.dtype) -> None:
    """Exact in bfloat16; float16 rounds at 1e-3, and some of V / lambda falls below its smallest normal number."""
    model = ready(nn.Sequential(*plain()), dtype=dtype)
    example = IMAGE.to(dtype)
    groups = analyse(model, example)
    change = drawn(groups, permute=False, exponents=(0, 16))
    after = apply(model, groups, change, example, tolerance=2e-3 if dtype == torch.float16 else 0)
    assert torch.equal(model[1].running_var, after[1].running_var)
    assert change.exponent.max() <= (8 if dtype == torch.float16 else 16)
    assert not torch.equal(model[1].weight, after[1].weight)


def test_overwriting_writes_any_signs_under_batch_norm() -> None:
    model = plain()
    groups = analyse(model, IMAGE)
    bits = torch.randint(0, 2, (32,), generator=torch.Generator().manual_seed(8)) * 2 - 1
    gamma = torch.where(model[1].weight == 0, 1.0, model[1].weight).detach().sign()
    for name in ("1", "0"):
        change = drawn(groups, permute=False, scale=False, flip=False, signs={name: bits * gamma})
        after = apply(model, groups, change, IMAGE, tolerance=0)
        kept = model[1].weight != 0
        assert torch.equal(after[1].weight.sign()[kept], bits[kept].float())


@pytest.mark.parametrize(
    ("norm", "groups_of"),
    [(lambda n: nn.GroupNorm(4, n), 8), (lambda n: nn.GroupNorm(1, n), 32)],
    ids=["group", "layer"],
)
def test_a_sign_per_neuron_is_rejected_under_group_norm(norm, groups_of: int) -> None:
    model = plain(norm=norm)
    groups = analyse(model, IMAGE)
    free = torch.ones(32)
    free[3] = -1
    with pytest.raises(
        CannotTransform, match=rf"layer '0': neuron 3 .*GroupNorm '1' takes its statistics over {groups_of}"
    ):
        drawn(groups, signs={"0": free})
    whole = torch.ones(32)
    whole[:groups_of] = -1
    change = drawn(groups, permute=False, scale=False, flip=False, signs={"0": whole})
    assert not torch.equal(apply(model, groups, change, IMAGE, tolerance=0)[0].weight, model[0].weight)


@pytest.mark.parametrize(
    ("signs", "message"),
    [
        ({"6.fc": -torch.ones(10)}, "layer '6.fc': the sign of neuron 0 is fixed: network output"),
        ({"0": torch.ones(3)}, "layer '0' takes 32 signs"),
        ({"0": torch.zeros(32)}, "layer '0' takes 32 signs"),
        ({"conv": torch.ones(32)}, "there is no layer 'conv'"),
    ],
    ids=["frozen", "length", "zero", "name"],
)
def test_given_signs_are_checked(signs: dict[str, Tensor], message: str) -> None:
    with pytest.raises(CannotTransform, match=message):
        drawn(analyse(plain(), IMAGE), signs=signs)


def test_a_wrong_permutation_is_caught() -> None:
    """Negative control of the equivalence test: channels of two norm groups change places."""
    model = plain(norm=lambda n: nn.GroupNorm(4, n))
    groups = analyse(model, IMAGE)
    change = drawn(groups, permute=False, scale=False, flip=False)
    source = change.source.copy()
    first = next(g for g in groups.groups if any(m.module == "0" for m in g.members))
    classes = np.flatnonzero(groups.structure.bucket == first.id)
    source[classes[[0, 9]]] = source[classes[[9, 0]]]
    with pytest.raises(NotEquivalent, match="output 0 deviates by"):
        apply(model, groups, dataclasses.replace(change, source=source), IMAGE)


@pytest.mark.parametrize("name", ["group_norm", "resnext_group_norm", "resnext", "vit"])
def test_blocks_change_places_as_a_whole(name: str) -> None:
    model, example = ready(CASES[name].build()), CASES[name].example()
    groups = analyse(model, example)
    block = groups.structure.block
    source = drawn(groups, scale=False, flip=False).source
    moved = (block >= 0) & (block[source] != block)
    assert moved.any()
    for b in np.unique(block[moved]):
        assert len(set(block[source[block == b]].tolist())) == 1


class Whole(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(3, dtype=torch.int64), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.table


class Root(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x.reshape(5, 5))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Sequential(nn.Linear(3, 3), nn.Dropout()), "module 'Sequential' is in training mode"),
        (nn.Sequential(nn.Linear(3, 3, device="meta")).eval(), "'0.weight' is on the meta device"),
        (Whole().eval(), "no floating point parameters: 'table' is torch.int64"),
        (nn.ReLU().eval(), "no floating point parameters"),
        (nn.Linear(3, 3, dtype=torch.complex64).eval(), "'weight' is torch.complex64"),
        (Root().eval(), "Root does not run on the example"),
    ],
    ids=["training", "meta", "whole-numbers", "no-parameters", "complex", "does-not-run"],
)
def test_unfit_models_are_refused(model: nn.Module, message: str) -> None:
    with pytest.raises(CannotTransform, match=message):
        analyse(model, torch.randn(2, 3))


def test_one_module_in_training_mode_is_named() -> None:
    model = plain()
    model[4].train()
    with pytest.raises(CannotTransform, match="module '4' is in training mode"):
        analyse(model, IMAGE)


def test_nothing_to_transform_is_an_error_with_the_reason() -> None:
    groups = analyse(nn.Linear(3, 3).eval(), torch.randn(2, 3))
    with pytest.raises(CannotTransform, match=r"nothing in Linear can be transformed: .*network output"):
        drawn(groups)


def test_other_groups_are_refused() -> None:
    groups, others = analyse(plain(), IMAGE), analyse(plain(16), IMAGE)
    with pytest.raises(CannotTransform, match="other groups"):
        apply(plain(), groups, drawn(others))
    with pytest.raises(
        CannotTransform, match=r"'0.weight' .* its shape is \(16, 3, 3, 3\), not \(32, 3, 3, 3\)"
    ):
        apply(plain(16), groups, drawn(groups))
