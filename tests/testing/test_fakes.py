"""The fakes obey every contract, so that what fails in a broken variant is the fault that was put in."""

from __future__ import annotations

from ownmark.methods import Declaration
from ownmark.testing import Check, parametrize_with_checks, run_check, with_fakes
from ownmark.testing.fakes import FAKES

CATALOG = with_fakes()


@parametrize_with_checks(FAKES, catalog=CATALOG, thorough=True)
def test_conformance(check: Check, declaration: Declaration) -> None:
    run_check(check, declaration, CATALOG)
