"""Overwriting at no cost: the attacker's bits stand where the norm allows it, and the exhibits say where not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.plugins.invariance.conftest import World, fitter, generator
from torch import nn

from ownmark import Kind, discover
from ownmark.contracts import Stolen, Suspect, outputs
from ownmark.errors import NotApplicable


def network(norm: nn.Module | None) -> nn.Module:
    torch.manual_seed(0)
    head = [nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]
    made = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), *([] if norm is None else [norm]), *head)
    if getattr(norm, "weight", None) is not None:
        nn.init.normal_(norm.weight)  # type: ignore[union-attr, arg-type]
    return made.eval()


def overwrite(victim: nn.Module, **params: Any) -> Suspect:
    attack = discover().build(Kind.ATTACK, "invariance_overwrite", params)
    attack.check(victim, (3, 8, 8), 10)
    return attack.attack(Stolen(victim, (3, 8, 8), 10), fitter(), generator(0))


def message(text: str, count: int) -> np.ndarray[Any, Any]:
    bits = [int(bit) for byte in text.encode() for bit in f"{byte:08b}"]
    return np.array([bits[i % len(bits)] for i in range(count)], dtype=bool)


@pytest.mark.parametrize(
    "norm", [nn.BatchNorm2d(64), nn.InstanceNorm2d(64, affine=True)], ids=["batch", "instance"]
)
def test_gammas_spell_the_message_and_answers_stay(norm: nn.Module) -> None:
    victim, x = network(norm), torch.rand(20, 3, 8, 8, generator=generator(1))
    suspect = overwrite(victim, message="mine")
    gamma = suspect.network[1].weight.detach().numpy()  # type: ignore[index]
    assert np.array_equal(gamma > 0, message("mine", 64))
    assert suspect.exhibits["attacker_ber"] == 0
    assert suspect.exhibits["attacker_limits"] == "none"
    assert torch.equal(outputs(suspect.network, x), outputs(victim, x))


def test_passports_of_the_attackers_own_spell_the_message() -> None:
    victim, x = network(nn.BatchNorm2d(64)), torch.rand(20, 3, 8, 8, generator=generator(1))
    suspect = overwrite(victim, message="mine", carrier="passport")
    passport = torch.rand((1, 3, 8, 8), generator=generator(0)) * 2 - 1
    weight = suspect.network[0].weight.detach()  # type: ignore[index]
    made = nn.functional.conv2d(passport, weight, padding=1).mean((0, 2, 3))
    assert np.array_equal(made.numpy() > 0, message("mine", 64))
    assert suspect.exhibits["attacker_ber"] == 0
    assert torch.equal(outputs(suspect.network, x), outputs(victim, x))


def test_group_norm_takes_one_sign_a_group_and_says_so() -> None:
    victim, x = network(nn.GroupNorm(4, 64)), torch.rand(20, 3, 8, 8, generator=generator(1))
    suspect = overwrite(victim, message="mine")
    before, after = (m[1].weight.detach().numpy().reshape(4, 16) for m in (victim, suspect.network))  # type: ignore[index]
    bits = message("mine", 64).reshape(4, 16)
    wrong = sum(
        min(((row > 0) != bit).sum(), ((row < 0) != bit).sum()) for row, bit in zip(before, bits, strict=True)
    )
    assert ((after > 0) != bits).sum() == wrong > 0
    assert suspect.exhibits["attacker_ber"] == wrong / 64
    assert "GroupNorm" in str(suspect.exhibits["attacker_limits"])
    assert torch.equal(outputs(suspect.network, x), outputs(victim, x))


def test_a_gamma_of_zero_takes_no_bit() -> None:
    victim = network(nn.BatchNorm2d(64))
    with torch.no_grad():
        victim[1].weight.zero_()  # type: ignore[index]
    assert overwrite(victim, message="\xff").exhibits["attacker_ber"] > 0


def test_random_bits_and_chosen_layers(world: World) -> None:
    suspect = world.attacked("invariance_overwrite", message="", layers=["features.1.norm"])
    assert suspect.exhibits["attacker_bits"] == 64
    assert suspect.exhibits["attacker_ber"] == 0
    assert torch.equal(world.answers(suspect.network), world.answers(world.network))
    other = suspect.network.get_submodule("features.0.norm").weight
    assert torch.equal(other, world.network.get_submodule("features.0.norm").weight)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("norm", "params"),
    [(None, {}), (nn.BatchNorm2d(64, affine=False), {}), (nn.BatchNorm2d(64), {"layers": ["9"]})],
    ids=["no norm", "no gamma", "no such layer"],
)
def test_nothing_to_write_to(norm: nn.Module | None, params: dict[str, Any]) -> None:
    with pytest.raises(NotApplicable, match="no norm with gammas"):
        overwrite(network(norm), **params)
