"""Every check can fail: for each there is a method with that fault, and the check finds it."""

from __future__ import annotations

import dataclasses
import importlib
import re
from pathlib import Path

import pytest
from tests.testing.broken import BROKEN, Broken
from tests.testing.broken_planted import UNDETECTED

from ownmark.discovery.surroundings import settings
from ownmark.testing import CheckFailed, checks_for, run_check, with_fakes
from ownmark.testing.check import REGISTRY
from ownmark.testing.fakes import FAKES
from ownmark.testing.suite import row_of

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
    kinds = {case.declaration.target for case in PLANTED}
    assert len(kinds) >= 33
    assert len(UNDETECTED) == 3


@pytest.mark.slow
@pytest.mark.parametrize("reason", UNDETECTED)
def test_what_is_said_to_be_undetected_is(reason: str) -> None:
    """Should a check find it one day, it belongs among the planted ones."""
    declaration, base = UNDETECTED[reason], with_fakes()
    catalog = dataclasses.replace(base, methods=(*base.methods, declaration))
    outcomes = {(row := row_of(check, declaration, catalog)).check: row for check in checks_for(declaration)}
    assert [row for row in outcomes.values() if row.failed] == []
    assert sum(row.passed for row in outcomes.values()) > 15


@pytest.mark.parametrize("target", ["Threads", "Backend", "Precision"])
def test_settings_that_a_method_changes_are_put_back(target: str) -> None:
    """Else whatever is checked after it would be tried under them."""
    (case,) = [case for case in PLANTED if case.declaration.target.endswith(f":{target}")]
    before = settings()
    test_the_check_finds_the_fault(case)
    assert settings() == before


def test_every_check_has_its_broken_method() -> None:
    checks = {check.id for method in FAKES for check in checks_for(method)} | set(REGISTRY)
    assert checks - {case.check for case in BROKEN} == BY_DISTRIBUTION


def test_every_check_describes_itself() -> None:
    assert [check.id for check in REGISTRY.values() if len(check.description) < 20] == []


def test_the_page_for_packs_names_tests_that_exist_and_the_true_numbers() -> None:
    top = Path(__file__).resolve().parents[2]
    page = (top / "docs" / "packs.md").read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)`", page)
    assert [name for name in named if not (top / name).is_file()] == []
    assert len([line for line in page.splitlines() if line.endswith(".py` |")]) == 11
    caught = len({case.declaration.target for case in PLANTED})
    assert f"Of {caught + len(UNDETECTED)} kinds {caught} are caught" in page
