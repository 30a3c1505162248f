"""Cells that cannot be are gaps of the grid with a reason, and a scheme may be meant for some tasks only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ownmark.errors import PlanError
from ownmark.report import write_report
from ownmark.runner import run
from ownmark.runner.audit import _unattacked
from ownmark.runner.cell import expand
from ownmark.runner.plan import parse_plan
from ownmark.runner.session import prepare
from ownmark.testing import with_fakes

PLAN = """
datasets: [{digits: {limit_train: 200, limit_test: 50}}]
hosts:
  - {convnet: {width: 0.25, recipe: {epochs: 1}}, as: small}
  - {convnet: {width: 1.0, recipe: {epochs: 1}}, as: large}
schemes: [{fake-signs: {bits: 3000}}]
verdict: {null_models: 1, keys: 2}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("gaps")
    (folder / "plan.yaml").write_text(PLAN + "attacks: [none, {fake-scale: {amount: 0.1}}]\n")
    return run(
        folder / "plan.yaml", out=folder / "run", store=folder / "store", device="cpu", catalog=with_fakes()
    )


def by_host(records: Any) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for record in records:
        found.setdefault(record["cell"]["host"]["label"], []).append(record["status"])
    return found


def test_a_scheme_that_does_not_fit_one_host_is_not_applicable_there(finished: Any) -> None:
    assert by_host(finished.records) == {"small": ["n/a", "n/a"], "large": ["ok", "ok"]}
    assert finished.failed == ()
    reasons = {r["reason"]["message"] for r in finished.records if r["status"] == "n/a"}
    assert len(reasons) == 1
    assert "3000" in reasons.pop()


def test_the_report_says_not_applicable_and_why(finished: Any) -> None:
    report = write_report(finished.folder)
    text = (finished.folder / "report.md").read_text()
    assert "4 cells: 2 finished, 0 failed, 0 not run, 2 not applicable." in report.summary
    assert "n/a" in text
    assert "fake-signs is not applicable here: no weight has 3000 entries" in text
    assert (finished.folder / "results.csv").read_text().count("n/a") >= 2


def test_a_method_that_fits_no_task_is_a_mistake_in_the_plan(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN.replace("3000", "300000"))
    with pytest.raises(PlanError) as caught:
        prepare(tmp_path / "plan.yaml", tmp_path / "r", tmp_path / "s", "cpu", None, with_fakes())
    assert [problem.partition(": ")[2].partition(" on ")[0] for problem in caught.value.problems] == [
        "scheme fake-signs"
    ] * 2


def test_audits_leave_out_what_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN)
    session = prepare(tmp_path / "plan.yaml", tmp_path / "r", tmp_path / "s", "cpu", None, with_fakes())
    assert [cell.task.host.label for cell in _unattacked(session)] == ["large"]


@pytest.mark.parametrize(
    ("meant", "tasks"),
    [
        ("small", {"digits/small"}), ("digits/large", {"digits/large"}),
        ("[small, large]", {"digits/small", "digits/large"}), ("digits", {"digits/small", "digits/large"}),
    ],
)  # fmt: skip
def test_a_scheme_may_be_meant_for_some_tasks(meant: str, tasks: set[str]) -> None:
    plan, _ = parse_plan(PLAN.replace("{fake-signs: {bits: 3000}}", f"{{fake-signs: , for: {meant}}}"))
    assert {cell.task.label for cell in expand(plan)} == tasks


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("schemes: [{fake-signs: , for: huge}]", "no task of this plan is called 'huge'"),
        ("schemes: [fake-signs]\nextractors: [{default: , for: small}]", "`for` is for attacks and schemes"),
        ("schemes: [{fake-signs: , given: {data: 5}}]", "`given` is for attacks"),
    ],
)
def test_a_for_that_means_nothing_is_told(entry: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN.replace("schemes: [{fake-signs: {bits: 3000}}]", entry))
    with pytest.raises(PlanError, match=sentence):
        prepare(tmp_path / "plan.yaml", tmp_path / "r", tmp_path / "s", "cpu", None, with_fakes())
