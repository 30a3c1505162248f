"""Plans of the packs that take marks away: complete grids of known methods with parameters that they take."""

from __future__ import annotations

from importlib.resources import files

import pytest

from ownmark import Kind, discover
from ownmark.runner.cell import expand
from ownmark.runner.plan import parse_plan
from ownmark.runner.preflight import check_methods

PLANS = sorted(
    (package, path.name)
    for package in ("ownmark_pst", "ownmark_mira", "ownmark_laundering")
    for path in files(f"{package}.plans").iterdir()
    if path.name.endswith(".yaml")
)
ELSEWHERE = ("OWNMARK_DATA", "ownmark[hub]", "datasets")


@pytest.mark.parametrize(("package", "name"), PLANS, ids=[name for _, name in PLANS])
def test_plan_is_declared_and_passes_preflight(
    package: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OWNMARK_DATA", raising=False)
    plan, document = parse_plan(files(f"{package}.plans").joinpath(name).read_text(), name)
    assert f"{plan.name}.yaml" == name
    assert discover().find(Kind.PLAN, plan.name).summary
    problems = check_methods(plan, document, discover())
    assert [problem for problem in problems if not any(word in problem for word in ELSEWHERE)] == []
    cells = expand(plan)
    assert len({cell.label for cell in cells}) == len(cells)
