"""Random networks from a small grammar: no transform the engine allows may change what a network computes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.plugins.invariance.architectures import ready
from tests.plugins.invariance.grammar import Program

from ownmark_invariance.grouping import analyse, apply, draw

GENES = st.lists(st.integers(0, 21 * 4 * 24 - 1), min_size=2, max_size=12)
QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True, "database": None}


def survives(genes: list[int], flat: bool, seed: int, variant: str, alpha: float) -> None:
    torch.manual_seed(seed)
    model = ready(Program(genes, flat), seed, torch.float64)
    image = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    groups = analyse(model, image)
    rng = torch.Generator().manual_seed(seed)
    change = draw(groups, rng, permute=True, scale=True, flip=True, variant=variant, alpha=alpha)
    apply(model, groups, change, tolerance=1e-10)


ARGUMENTS = (
    GENES,
    st.booleans(),
    st.integers(0, 99),
    st.sampled_from(["paper", "free", "pre_norm", "post_norm"]),
    st.sampled_from([1.0, 1.0, 0.5, 0.25]),
)


CROSSED = [1410, 167, 525, 1622, 1044, 1549, 917, 961, 1763, 749, 739, 738, 285, 96]
"""A channel is input of one block of a grouped convolution and output of another (found by the search)."""


@settings(max_examples=60, **QUIET)
@example(CROSSED, True, 0, "free", 1.0)
@given(*ARGUMENTS)
def test_sixty_random_networks(genes: list[int], flat: bool, seed: int, variant: str, alpha: float) -> None:
    survives(genes, flat, seed, variant, alpha)


@pytest.mark.slow
@settings(max_examples=500, **{**QUIET, "derandomize": False})
@given(*ARGUMENTS)
def test_five_hundred_random_networks(
    genes: list[int], flat: bool, seed: int, variant: str, alpha: float
) -> None:
    survives(genes, flat, seed, variant, alpha)
