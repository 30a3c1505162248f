"""What `analyse` says: groups, their places on every axis, the report, and what is frozen for which reason."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.plugins.invariance.architectures import CASES, Head, cbr, ready
from torch import Tensor, nn

from ownmark_invariance.grouping import Call, analyse, apply, describe, draw, ground_truth, register, rows
from ownmark_invariance.grouping.labels import Labels
from ownmark_invariance.grouping.rules.pointwise import pointwise
from ownmark_invariance.grouping.symbols import Symbols, components

IMAGE = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def everything(
    model: nn.Module, example: Tensor | tuple[Tensor, ...], seed: int = 0, **switches
) -> nn.Module:
    groups = analyse(model, example)
    rng = torch.Generator().manual_seed(seed)
    change = draw(groups, rng, **{"permute": True, "scale": True, "flip": True, **switches})
    return apply(model, groups, change, example, tolerance=1e-5)


def test_components_are_connected() -> None:
    a, b = np.array([1, 3, 5, 4]), np.array([2, 2, 6, 5])
    assert components(8, [(a, b)]).tolist() == [0, 1, 1, 1, 4, 4, 4, 7]


def test_a_freeze_reaches_what_is_tied_to_it() -> None:
    symbols = Symbols()
    a, b = symbols.fresh((3,)), symbols.fresh((3,))
    symbols.tie(a, b, "tied")
    symbols.freeze(b[:1], "because")
    classes = symbols.solve()
    assert classes.of[a].tolist() == [0, 1, 2]
    assert classes.reason(a) == "because"


def test_an_identity_stage_is_one_group() -> None:
    groups = analyse(ready(CASES["resnet_identity"].build()), IMAGE)
    by_layer = {row.layer: row for row in rows(groups)}
    assert by_layer["0.0"].groups == by_layer["1.c2"].groups == by_layer["2.n2"].groups
    assert by_layer["1.c1"].groups != by_layer["2.c1"].groups
    shared = groups.group(by_layer["0.0"].groups[0])
    assert ("1.c2", "weight", 0) in {(m.module, m.parameter, m.axis) for m in shared.members}
    assert ("2.c1", "weight", 1) in {(m.module, m.parameter, m.axis) for m in shared.members}


def test_padded_channels_form_a_group_of_their_own() -> None:
    groups = analyse(ready(CASES["resnet_option_a"].build()), IMAGE)
    widths = {g.size for g in groups.groups if any(m.module == "3.c2" and m.axis == 0 for m in g.members)}
    assert widths == {16}
    assert len(rows(groups)[-2].groups) == 2


def test_members_show_multiplicity_and_layout() -> None:
    model = ready(nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 64, 4)))
    (group,) = analyse(model, IMAGE).groups
    member = next(m for m in group.members if m.module == "3")
    assert (member.axis, member.positions.shape) == (1, (6, 64))
    assert member.positions[2].tolist() == list(range(128, 192))


@pytest.mark.parametrize(
    "name", ["resnext", "vgg", "vit", "lstm", "inception_v3", "group_norm", "dcgan", "gated_mlp"]
)
def test_ground_truth_rebuilds_every_parameter(name: str) -> None:
    model, example = ready(CASES[name].build()), CASES[name].example()
    groups = analyse(model, example)
    change = draw(groups, torch.Generator().manual_seed(3), permute=True, scale=True, flip=True)
    before, after = model.state_dict(), apply(model, groups, change, example).state_dict()
    truth = ground_truth(groups, change)
    for use in groups.uses:
        if use.role != "dense":
            continue
        value = before[use.name].double()
        for axis in (axis for name, axis in truth if name == use.name):
            told = truth[use.name, axis]
            factor = torch.from_numpy(told.sign * told.scale)
            value = value.flatten() if axis is None else value.movedim(axis, -1)
            value = (value * factor)[..., torch.from_numpy(told.permutation)]
            value = value.reshape(before[use.name].shape) if axis is None else value.movedim(-1, axis)
        assert torch.equal(value, after[use.name].double()), use.name


@pytest.mark.parametrize("name", ["resnet_option_a", "densenet", "shufflenet_v2", "vit", "gru", "pruned"])
def test_members_line_up_with_the_transform(name: str) -> None:
    """Gathering a group's places from old and new weights shows one common order of channels on all members."""
    model, example = ready(CASES[name].build()), CASES[name].example()
    groups = analyse(model, example)
    change = draw(groups, torch.Generator().manual_seed(3), permute=True, scale=False, flip=False)
    truth = ground_truth(groups, change)
    for group in groups.groups:
        orders = []
        for member in group.members:
            key = f"{member.module}.{member.parameter}".lstrip("."), member.axis
            source = truth[key].permutation[member.positions]
            orders.append([int(np.flatnonzero((member.positions == row).all(1))[0]) for row in source])
        assert sorted(orders[0]) == list(range(group.size))
        assert all(order == orders[0] for order in orders)


class Ranks(nn.Module):
    """One unit's first place and another's second place are read together: the units are not exchangeable."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.conv, self.side = nn.Linear(3, 4 * 4), nn.Conv2d(4, 5, 2), nn.Linear(2, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc(x)
        side = self.side(torch.cat([x[:, 0:1], x[:, 5:6]], 1))
        return torch.cat([self.conv(torch.relu(x).view(-1, 4, 2, 2)).flatten(1), side], 1)


def test_places_of_a_class_keep_their_rank() -> None:
    model = ready(Ranks(), dtype=torch.float64)
    for seed in range(5):
        everything(model, torch.randn(4, 3, dtype=torch.float64), seed)


def test_group_norm_report_names_the_reason() -> None:
    groups = analyse(ready(CASES["group_norm"].build()), IMAGE)
    text = describe(groups)
    assert "GroupNorm keeps no statistics" in text
    assert "network output" in text
    assert {row.layer: (row.permute, row.scale, row.flip) for row in rows(groups)}["1"] == (16, 16, 16)


class Subclassed(nn.Conv2d):
    """A convolution with a forward of its own, written with the functional form."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(F.conv2d(x, self.weight, self.bias, padding=1))


class Strange(nn.Module):
    """An operation nobody has a rule for."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cumsum(x, 1)


class Branching(nn.Module):
    """Code that is steered by a number: what the module handles itself is frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) if float(x.sum()) > 0 else x


class Seen(nn.Module):
    """A weight is also read as a plain tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = cbr(3, 8), nn.Conv2d(8, 8, 1), Head(8)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.b(self.a(x))) + self.b.weight[2].abs().mean()
        return self.head(x)


class Lent(nn.Module):
    """A weight also belongs to a module that is steered by values."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.strange = cbr(3, 8), nn.Conv2d(8, 8, 1), Branching()
        self.strange.conv.weight = self.b.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.strange(self.b(self.a(x))).mean((2, 3))


class Overwritten(nn.Module):
    """A gate that is changed in place and read again."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Conv2d(3, 8, 1), nn.Conv2d(3, 8, 1), Head(8)

    def forward(self, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.a(x))
        gate.mul_(torch.relu(self.b(x)))
        return self.head(gate)


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(cbr(3, 8), Subclassed(8, 12, 3), Head(12)),
        nn.Sequential(cbr(3, 8), Strange(), cbr(8, 8), Head(8)),
        nn.Sequential(cbr(3, 8), Branching(), cbr(8, 8), Head(8)),
        Seen(),
        Lent(),
        Overwritten(),
        nn.Sequential(cbr(3, 8), nn.LocalResponseNorm(2), cbr(8, 8), Head(8)),
    ],
    ids=[
        "functional",
        "unknown-function",
        "steered",
        "weight-read",
        "weight-lent",
        "in-place",
        "unknown-module",
    ],
)
def test_whatever_is_unknown_freezes_and_nothing_breaks(model: nn.Module) -> None:
    model = ready(model)
    for seed in range(3):
        everything(model, IMAGE, seed, variant="free")


def test_the_subclassed_layer_is_not_frozen() -> None:
    groups = analyse(ready(nn.Sequential(cbr(3, 8), Subclassed(8, 12, 3), Head(12))), IMAGE)
    assert {g.size for g in groups.groups} == {8, 12}


def test_unknown_operations_are_named() -> None:
    groups = analyse(ready(nn.Sequential(cbr(3, 8), Strange(), cbr(8, 8), Branching(), Head(8))), IMAGE)
    text = describe(groups)
    assert "no rule for this operation (cumsum in '1')" in text
    assert "'3' handles its values as they are: its code reads values of the input (__float__)" in text


@pytest.mark.parametrize("inner", [nn.Conv2d(8, 8, 1), cbr(8, 8)], ids=["layer", "container"])
def test_hooks_freeze_their_module(inner: nn.Module) -> None:
    model = ready(nn.Sequential(cbr(3, 8), inner, nn.ReLU(), Head(8)))
    model[1].register_forward_hook(lambda module, args, out: out.cumsum(1))
    everything(model, IMAGE)
    assert "forward hooks (1)" in describe(analyse(model, IMAGE))


def test_data_parallel_prefix() -> None:
    model = nn.DataParallel(ready(cbr(3, 8)).append(Head(8))).eval()
    after = everything(model, IMAGE)
    assert not torch.equal(after.module[0].weight, model.module[0].weight)


class Doubled(nn.ReLU):
    """A third party's activation: its own forward, so the rule of ReLU does not apply."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.hypot(x, x) + x


def test_a_third_party_can_register_a_rule() -> None:
    model = ready(nn.Sequential(cbr(3, 8, act=Doubled), Head(8)))
    assert not analyse(model, IMAGE).groups

    @register(Doubled)
    def doubled(call: Call) -> Labels:
        return pointwise(call, homogeneous=True, odd=False)

    assert [g.size for g in analyse(model, IMAGE).groups] == [8]
    everything(model, IMAGE)
