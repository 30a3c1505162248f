"""Every check can fail: for each there is a method with that fault, and the check finds it."""

from __future__ import annotations

import dataclasses
import importlib

import pytest
from tests.testing.broken import BROKEN, Broken

from ownmark.testing import CheckFailed, checks_for, run_check, with_fakes
from ownmark.testing.check import REGISTRY
from ownmark.testing.fakes import FAKES

for name in ("declarations", "schemes", "extractors", "attacks", "others"):
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


def test_every_check_has_its_broken_method() -> None:
    checks = {check.id for method in FAKES for check in checks_for(method)} | set(REGISTRY)
    assert checks - {case.check for case in BROKEN} == BY_DISTRIBUTION


def test_every_check_describes_itself() -> None:
    assert [check.id for check in REGISTRY.values() if len(check.description) < 20] == []
