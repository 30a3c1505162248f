"""Every method of every distribution of this repository keeps its contract.

Failures that a paper makes unavoidable are announced by the pack, in its module `conformance`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ownmark.discovery import discover
from ownmark.methods import Declaration
from ownmark.testing import Check, parametrize_with_checks, run_check

ROOT = Path(__file__).resolve().parents[2]
OURS = {"ownmark", *(f"ownmark-{path.parent.name}" for path in ROOT.glob("plugins/*/pyproject.toml"))}
METHODS = [method for method in discover().methods if method.distribution in OURS]


def test_every_distribution_of_this_repository_is_installed_and_sound() -> None:
    packs = {pack.distribution: pack for pack in discover().packs}
    assert sorted(OURS - set(packs)) == []
    assert [str(problem) for name in OURS for problem in packs[name].problems if problem.lost] == []


@pytest.mark.slow
@parametrize_with_checks(METHODS, thorough=True)
def test_thorough_conformance(check: Check, declaration: Declaration) -> None:
    run_check(check, declaration)


@parametrize_with_checks(METHODS)
def test_conformance(check: Check, declaration: Declaration) -> None:
    run_check(check, declaration)
