"""Kinds of networks that were wrong or missed: nothing changes what they answer, and the weights are within reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tests.plugins.invariance.architectures import cbr, ready
from tests.plugins.invariance.kinds import KINDS, TOKENS, Channels, Heads, Slopes, Steered, Table
from torch import Tensor, nn

from ownmark_invariance.grouping import (
    Groups,
    NotEquivalent,
    analyse,
    apply,
    draw,
    reasons,
    rows,
    verify_equivalence,
)
from ownmark_invariance.grouping.doubling import doubled, in_double

IMAGES = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def studied(model: nn.Module, example: Tensor | tuple[Tensor, ...]) -> tuple[nn.Module, Groups]:
    model = ready(model, dtype=torch.float64)
    return model, analyse(model, example)


@pytest.mark.parametrize("name", KINDS)
def test_nothing_changes_and_the_weights_are_in_reach(name: str) -> None:
    build, example, least = KINDS[name]
    torch.manual_seed(0)
    x = example().double()
    model, groups = studied(build(), x)
    assert not [reason for reason in reasons(groups) if "rule failed" in reason]
    for seed in range(3):
        rng = torch.Generator().manual_seed(seed)
        change = draw(groups, rng, permute=True, scale=True, flip=True, variant="free")
        after = apply(model, groups, change, x, check_result=False)
        assert verify_equivalence(model, after, x, tolerance=1e-10) < 1e-10
        assert verify_equivalence(model, after, 3 * x.flip(0), tolerance=1e-10) < 1e-10
    pairs = list(zip(model.parameters(), after.parameters(), strict=True))
    assert sum(int((a != b).sum()) for a, b in pairs) >= least * sum(a.numel() for a, _ in pairs)


def movable(groups: Groups, layer: str) -> int:
    return next(row.permute for row in rows(groups) if row.layer == layer)


def test_a_buffer_that_tells_heads_apart_keeps_their_order() -> None:
    """Inside a head features may move, whole heads may not: so every q stays in its head."""
    x = TOKENS().double()
    free, fixed = (studied(cls(), x)[1] for cls in (Heads, Slopes))
    assert {len(set(g.block.tolist())) for g in free.groups if g.size == 16 and (g.block >= 0).all()} == {4}
    assert not [g for g in fixed.groups if len(set(g.block.tolist())) > 1]


def test_a_table_of_parameters_moves_with_its_heads() -> None:
    model, groups = studied(Table(), TOKENS().double())
    change = draw(groups, torch.Generator().manual_seed(2), permute=True, scale=False, flip=False)
    assert not torch.equal(apply(model, groups, change, TOKENS().double()).table, model.table)


@pytest.mark.parametrize("size", [1e-6, 1e-7])
def test_what_single_precision_hides_the_self_test_finds(size: float) -> None:
    """A rule that is wrong by less than rounding errors must not pass for exact."""
    from ownmark_invariance.grouping import register
    from ownmark_invariance.grouping.rules.pointwise import pointwise

    class Leaking(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + size * torch.arange(x.shape[1]).to(x).reshape(1, -1, 1, 1)

    register(Leaking)(lambda call: pointwise(call, homogeneous=True, odd=True))
    model = ready(nn.Sequential(cbr(3, 16), Leaking(), cbr(16, 16), nn.Conv2d(16, 4, 1)))
    groups = analyse(model, IMAGES)
    change = draw(groups, torch.Generator().manual_seed(0), permute=True, scale=False, flip=False)
    with pytest.raises(NotEquivalent, match="deviates"):
        apply(model, groups, change, IMAGES)


@pytest.mark.parametrize(
    "cast", [lambda x: x.float(), lambda x: x.to(torch.float32), lambda x: x.type(torch.half)]
)
def test_in_double_casts_do_not_narrow(cast) -> None:
    model = doubled(nn.Linear(3, 3))
    with in_double():
        assert model(cast(torch.ones(2, 3))).dtype == torch.float64
    assert cast(torch.ones(2, 3, dtype=torch.float64)).dtype != torch.float64


def test_both_ways_of_a_condition_are_kept() -> None:
    """The example takes one way; inputs that take the other are answered alike as well."""
    torch.manual_seed(0)
    model, groups = studied(Steered(lambda x: -x if x[0].mean() > x[1].mean() else 2 * x), IMAGES.double())
    change = draw(groups, torch.Generator().manual_seed(1), permute=True, scale=True, flip=True)
    after = apply(model, groups, change, IMAGES.double(), check_result=False)
    assert not groups.opaque
    for x in (IMAGES.double(), IMAGES.double().flip(0)):
        with torch.no_grad():
            assert (model(x) - after(x)).abs().max() < 1e-10 * model(x).abs().max()


@pytest.mark.parametrize(
    "steer", [lambda x: x * x.max().item(), lambda x: x[:, : 1 + int(x.mean() > 9) + 23]]
)
def test_numbers_read_by_code_freeze_what_it_handles_only(steer) -> None:
    groups = studied(Steered(steer), IMAGES.double())[1]
    assert "Steered" in groups.opaque
    by_layer = {row.layer: row for row in rows(groups)}
    assert by_layer["a.0.0"].permute == 16
    assert by_layer["a.2.0"].permute == 0


@pytest.mark.parametrize(
    "between", [lambda x: F.pad(x.cumsum(1), (1, 1)), lambda x: torch.fft.fft(x, dim=1).abs()]
)
def test_what_nobody_knows_still_freezes(between) -> None:
    model, groups = studied(Channels(between), IMAGES.double())
    assert any("no rule for this operation" in reason for reason in reasons(groups))
    change = draw(groups, torch.Generator().manual_seed(1), permute=True, scale=True, flip=True)
    apply(model, groups, change, IMAGES.double())


@dataclass
class Settings:
    """What a network may keep beside its weights."""

    table: Tensor
    owner: Any = None


class Selfish(nn.Module):
    """Holds an object that holds itself, and a weight that is read turned and cut, where some axes stay frozen."""

    def __init__(self, cut: int) -> None:
        super().__init__()
        self.cut, self.weight, self.head = cut, nn.Parameter(torch.randn(3, 12)), nn.Linear(cut, 4)
        self.settings = Settings(torch.ones(1))
        self.settings.owner = self.settings

    def forward(self, x: Tensor) -> Tensor:
        x = x.mean((2, 3)) * self.settings.table.to(x)
        return self.head(torch.relu(F.linear(x, self.weight.t()[: self.cut])))


@pytest.mark.parametrize("cut", [12, 7])
def test_odd_attributes_and_slices_of_weights(cut: int) -> None:
    torch.manual_seed(0)
    model, groups = studied(Selfish(cut), IMAGES.double())
    change = draw(groups, torch.Generator().manual_seed(1), permute=True, scale=True, flip=True)
    after = apply(model, groups, change, IMAGES.double())
    assert not torch.equal(after.weight, model.weight)
