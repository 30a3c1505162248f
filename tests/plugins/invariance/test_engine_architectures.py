"""Every architecture: all transforms together, in both precisions; exactness of scaling and flipping; coverage."""

from __future__ import annotations

import functools

import pytest
import torch
from tests.plugins.invariance.architectures import CASES, ready
from torch import Tensor, nn

from ownmark_invariance.grouping import (
    Groups,
    Transform,
    analyse,
    apply,
    describe,
    draw,
    reasons,
    relative_deviation,
    verify_equivalence,
)

ALL = {"permute": True, "scale": True, "flip": True}
NONE = {"permute": False, "scale": False, "flip": False}


def rng(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@functools.cache
def prepared(name: str, dtype: torch.dtype = torch.float32) -> tuple[nn.Module, tuple[Tensor, ...], Groups]:
    torch.manual_seed(0)
    model = ready(CASES[name].build(), dtype=dtype)
    example = CASES[name].example()
    example = tuple(
        x.to(dtype) if x.is_floating_point() else x
        for x in (example if isinstance(example, tuple) else (example,))
    )
    return model, example, analyse(model, example)


def changed_share(before: nn.Module, after: nn.Module) -> float:
    pairs = list(zip(before.parameters(), after.parameters(), strict=True))
    return sum(int((a != b).sum()) for a, b in pairs) / sum(a.numel() for a, _ in pairs)


def transformed(
    name: str, dtype: torch.dtype = torch.float32, **switches
) -> tuple[nn.Module, nn.Module, tuple[Tensor, ...]]:
    model, example, groups = prepared(name, dtype)
    change: Transform = draw(groups, rng(), **{**ALL, **switches})
    return model, apply(model, groups, change, example), example


@pytest.mark.parametrize("name", CASES)
def test_no_rule_fails(name: str) -> None:
    assert not [reason for reason in reasons(prepared(name)[2]) if "rule" in reason]
    assert describe(prepared(name)[2])


@pytest.mark.parametrize("name", CASES)
def test_all_transforms_together(name: str) -> None:
    worst = []
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.float64, 1e-10)):
        before, after, example = transformed(name, dtype)
        worst.append(verify_equivalence(before, after, example, tolerance=tolerance))
        with torch.no_grad():
            old, new = before(*example), after(*example)
        assert torch.equal(old.argmax(-1), new.argmax(-1))
    share = changed_share(before, after)
    print(
        f"{name:28} max|d| {worst[0]:.1e} (float32) {worst[1]:.1e} (float64), {share:6.1%} of the parameters"
    )
    assert share >= 0.95 or not CASES[name].convolutional


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("variant", ["paper", "free"])
def test_power_of_two_scaling_is_bit_exact(name: str, variant: str) -> None:
    before, after, example = transformed(name, permute=False, flip=False, variant=variant)
    with torch.no_grad():
        assert relative_deviation(before(*example), after(*example)) == 0


@pytest.mark.parametrize("name", CASES)
def test_sign_flips_are_bit_exact(name: str) -> None:
    before, after, example = transformed(name, permute=False, scale=False)
    with torch.no_grad():
        assert relative_deviation(before(*example), after(*example)) == 0
