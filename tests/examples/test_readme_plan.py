"""The plan that the README shows passes every check that comes before a run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ownmark.errors import PlanError
from ownmark.runner.session import prepare

README = (Path(__file__).parents[2] / "README.md").read_text()


def shown() -> str:
    """The one block of YAML that is a whole plan."""
    (plan,) = [block for block in re.findall(r"```yaml\n(.*?)```", README, re.S) if block.startswith("name:")]
    return plan


def test_the_plan_of_the_readme_can_run(tmp_path: Path) -> None:
    (tmp_path / "my-study.yaml").write_text(shown())
    session = prepare(
        str(tmp_path / "my-study.yaml"), tmp_path / "out", tmp_path / "store", "cpu", None, None
    )
    assert session.plan.name == "my-study"


def test_more_images_than_there_are_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "my-study.yaml").write_text(re.sub(r"data: \d+", "data: 500", shown()))
    with pytest.raises(PlanError, match="only 279 are there"):
        prepare(str(tmp_path / "my-study.yaml"), tmp_path / "out", tmp_path / "store", "cpu", None, None)
