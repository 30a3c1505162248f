"""One pytest test for each method and check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ownmark.discovery import Catalog
from ownmark.methods import Declaration
from ownmark.testing.check import Check, CheckFailed
from ownmark.testing.suite import announced, case_id, checks_for, expected_reason, methods_called

if TYPE_CHECKING:
    import pytest


def parametrize_with_checks(
    methods: str | Iterable[Declaration],
    *,
    expected_failures: Mapping[str, str] | None = None,
    catalog: Catalog | None = None,
    thorough: bool = False,
) -> pytest.MarkDecorator:
    """Decorate a test so that it runs once for each method and check.

        @parametrize_with_checks("acme-marks", expected_failures={"mymark:scheme-keeps-utility": "a toy"})
        def test_conformance(check, declaration):
            run_check(check, declaration)

    Args:
        methods: a distribution, a pack, an id or `pack/id`; or declarations.
        expected_failures: `id:check-id`, or `pack/id:check-id`, -> reason; beside those that the pack announces in its
            module `conformance`. Strict: one that passes is an error, and so is one that is no check.
        catalog: the installed methods if not given.
        thorough: with the checks that cost another process, another task, another embedding (`ownmark check` makes
            them all).
    """
    import pytest

    declarations = methods_called(methods, catalog) if isinstance(methods, str) else list(methods)
    every = [(check, method) for method in declarations for check in checks_for(method)]
    cases = [(check, method) for check, method in every if thorough or not check.thorough]
    said = {name for method in declarations for name in announced(method) if _names(name, method)}
    _refuse_strangers(said | set(expected_failures or {}), every)
    return pytest.mark.parametrize(
        ("check", "declaration"), [_case(check, method, expected_failures) for check, method in cases]
    )


def _case(check: Check, method: Declaration, failures: Mapping[str, str] | None) -> object:
    import pytest

    reason = expected_reason(check, method, failures)
    marks = [] if reason is None else [pytest.mark.xfail(reason=reason, strict=True, raises=CheckFailed)]
    return pytest.param(check, method, id=case_id(check, method), marks=marks)


def _names(failure: str, method: Declaration) -> bool:
    return failure.rpartition(":")[0] in (method.id, method.name)


def _refuse_strangers(failures: Iterable[str], cases: Iterable[tuple[Check, Declaration]]) -> None:
    full = {case_id(check, method) for check, method in cases}
    strangers = sorted(set(failures) - full - {name.partition("/")[2] for name in full})
    if strangers:
        raise ValueError(f"expected failures that are no checks of these methods: {', '.join(strangers)}")
