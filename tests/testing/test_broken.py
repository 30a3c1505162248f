"""Every check can fail: for each there is a method with that fault, and the check finds it."""

from __future__ import annotations

import dataclasses
import importlib

import pytest
from tests.testing.broken import BROKEN, Broken

from ownmark.testing import CheckFailed, checks_for, run_check, with_fakes
from ownmark.testing.check import REGISTRY
from ownmark.testing.fakes import FAKES

for name in ("declarations", "schemes", "extractors", "attacks", "others", "planted"):
    importlib.import_module(f"tests.testing.broken_{name}")

BY_DISTRIBUTION = {"declaration-imports-lightly"}
"""Broken in test_light_imports.py, since it takes an installed distribution."""


@pytest.mark.parametrize("case", BROKEN, ids=str)
def test_the_check_finds_the_fault(case: Broken) -> None:
    base = with_fakes()
    catalog = dataclasses.replace(base, methods=(*base.methods, *case.companions, case.declaration))
    with pytest.raises(CheckFailed) as failure:
        run_check(REGISTRY[case.check], case.declaration, catalog)
    assert case.says in str(failure.value)
    assert case.check in {check.id for check in checks_for(case.declaration)}


PLANTED = [case for case in BROKEN if case.declaration.target.startswith("tests.testing.broken_planted")]


def test_of_the_faults_once_planted_nearly_all_are_found() -> None:
    """Each of `PLANTED` is found above; those that cannot be are written down, and are honest about it."""
    from tests.testing.broken_planted import UNDETECTED

    kinds = {case.declaration.target for case in PLANTED}
    assert len(kinds) >= 33
    assert len(UNDETECTED) == 3


def test_every_check_has_its_broken_method() -> None:
    checks = {check.id for method in FAKES for check in checks_for(method)} | set(REGISTRY)
    assert checks - {case.check for case in BROKEN} == BY_DISTRIBUTION


def test_every_check_describes_itself() -> None:
    assert [check.id for check in REGISTRY.values() if len(check.description) < 20] == []
