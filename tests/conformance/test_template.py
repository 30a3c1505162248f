"""The template is a live pack: it is found, and its methods keep their contracts, under its own name."""

from __future__ import annotations

import sys
from pathlib import Path

from importlib_metadata import EntryPoint
from tests.testing.installing import entry_points

from ownmark.discovery import discover
from ownmark.methods import Declaration
from ownmark.testing import Check, parametrize_with_checks, run_check

TEMPLATE = Path(__file__).resolve().parents[2] / "templates" / "scheme-pack"
sys.path.append(str(TEMPLATE))
CATALOG = discover(
    [EntryPoint(name, value, "ownmark") for name, value in entry_points(TEMPLATE / "pyproject.toml").items()]
)


def test_the_template_is_found_without_problems() -> None:
    assert CATALOG.problems == ()
    assert {method.name for method in CATALOG.methods} == {"acme-marks/group_mean", "acme-marks/weight_noise"}


@parametrize_with_checks(CATALOG.methods, catalog=CATALOG)
def test_conformance(check: Check, declaration: Declaration) -> None:
    run_check(check, declaration, CATALOG)
