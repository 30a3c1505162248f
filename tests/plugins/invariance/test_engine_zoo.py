"""Networks of timm: nothing that they answer changes, and (nearly) all of their weights do."""

from __future__ import annotations

import importlib.util

import pytest
import torch
from tests.plugins.invariance import zoo
from torch import nn

from ownmark_invariance.grouping import analyse, apply, draw, verify_equivalence
from ownmark_invariance.grouping.doubling import in_double

pytestmark = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="needs timm")


def share_and_deviation(model: nn.Module, x: torch.Tensor) -> tuple[float, float]:
    """Share of the weights that a transform changes, and how far the answers move in double precision."""
    model, x = model.double(), x.double()
    with in_double():
        groups = analyse(model, x)
        change = draw(groups, torch.Generator().manual_seed(1), permute=True, scale=True, flip=True)
        after = apply(model, groups, change, x, check_result=False)
        deviation = verify_equivalence(model, after, x, tolerance=1e-8)
    pairs = list(zip(model.parameters(), after.parameters(), strict=True))
    changed = sum(int((a != b).sum()) for a, b in pairs)
    return changed / sum(a.numel() for a, _ in pairs), deviation


def images(size: int, channels: int = 3) -> torch.Tensor:
    return torch.randn(2, channels, size, size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", zoo.HARD)
def test_hard_ones(name: str) -> None:
    size, small = zoo.HARD[name]
    share, deviation = share_and_deviation(zoo.built(name, **small), images(size))
    assert deviation < 1e-11
    assert share >= 0.95


@pytest.mark.slow
def test_every_family() -> None:
    """Prints the table of the pack's page; families that do not build or run here are named."""
    wrong = []
    for family, name in zoo.smallest().items():
        model = zoo.built(name)
        told = model.pretrained_cfg
        size = told["input_size"][-1] if told.get("fixed_input_size") else min(96, told["input_size"][-1])
        try:
            with torch.no_grad():
                model(images(size))
        except (RuntimeError, AssertionError, ValueError):
            size = told["input_size"][-1]
        share, deviation = share_and_deviation(model, images(size, told["input_size"][0]))
        print(f"| {family} | `{name}` | {size} | {share:.1%} | {deviation:.0e} |")
        wrong += [name] if deviation > 1e-8 else []  # halonet_h1 itself turns 1e-15 into 6e-10
    assert not wrong
