"""What a run would compute, told without computing it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from ownmark.cli import main
from ownmark.errors import PlanError
from ownmark.runner import survey

PLAN = """
schemes: [{signs: {bits: 24}}]
attacks: [none, prune]
"""


def test_what_a_run_stored_is_counted_and_nothing_is_left_behind(workshop) -> None:  # type: ignore[no-untyped-def]
    plan, places = (
        workshop.write(PLAN),
        {"store": workshop.store, "device": "cpu", "catalog": workshop.catalog},
    )
    before = survey(plan, **places)
    assert before.cells == 2
    assert before.stages["attacked"] == (0, 1)
    assert before.missing == sum(of for _, of in before.stages.values()) > 10
    assert not (workshop.folder / "runs").exists()

    workshop.run(PLAN.replace("[none, prune]", "[none]"), name="one")
    after = survey(plan, **places)
    assert after.stages["marked"] == (1, 1)
    assert after.stages["attacked"] == (0, 1)
    assert 0 < after.missing < before.missing


def test_a_plan_that_cannot_run_is_refused(workshop) -> None:  # type: ignore[no-untyped-def]
    plan = workshop.write(PLAN.replace("bits: 24", "bits: none"))
    with pytest.raises(PlanError, match="bits"):
        survey(plan, store=workshop.store, device="cpu", catalog=workshop.catalog)


def test_the_command_tells_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(main, ["run", "quickstart", "--dry-run", "--device", "cpu"])
    assert told.exit_code == 0
    assert told.output.startswith("the plan can be run: 12 cells, ")
    assert not (tmp_path / "runs").exists()
