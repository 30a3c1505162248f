"""Files that a plan names lie beside it, or in the working folder; both places are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ownmark.cli import main
from ownmark.discovery import discover
from ownmark.errors import PlanError
from ownmark.methods import Kind
from ownmark.runner import run
from ownmark.runner.beside import placed
from ownmark.runner.cell import specs
from ownmark.runner.session import prepare

PLAN = """
tasks: [{dataset: {npz: {path: %s}}, host: {convnet: {width: 0.25, recipe: {epochs: 1}}}}]
schemes: [{uchida: {bits: 8}}]
verdict: {null_models: 1, keys: 2}
"""


def data(place: Path, seed: int) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    x = np.random.default_rng(seed).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    np.savez(place, x_train=x[:40], y_train=np.arange(40) % 3, x_test=x[40:], y_test=np.arange(20) % 3)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plan in a folder below the working folder."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "p.yaml").write_text(PLAN % "data/d.npz")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pixels(plan: str) -> float:
    session = prepare(plan, "out", "store", "cpu", None, None)
    (task,) = session.plan.tasks
    return float(session.making.methods.images(next(specs(task.dataset))).train.x.sum())


@pytest.mark.parametrize("both", [True, False])
def test_what_lies_beside_the_plan_comes_first(
    project: Path, both: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    data(project / "project" / "data" / "d.npz", 1)
    if both:
        data(project / "data" / "d.npz", 2)
    there = pixels("project/p.yaml")
    monkeypatch.chdir(project / "project")
    assert there == pixels("p.yaml")


def test_the_working_folder_comes_next(project: Path) -> None:
    data(project / "data" / "d.npz", 2)
    assert pixels("project/p.yaml") > 0


def test_both_places_are_named(project: Path) -> None:
    with pytest.raises(PlanError) as error:
        prepare("project/p.yaml", "out", "store", "cpu", None, None)
    for place in (project, project / "project" / "data" / "d.npz"):
        assert str(place) in str(error.value)


def test_stages_are_found_again_from_anywhere(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data(project / "project" / "data" / "d.npz", 1)
    assert not run("project/p.yaml", out=project / "out", store=project / "store", device="cpu").failed
    before = (project / "out" / "journal.jsonl").read_text()
    monkeypatch.chdir(project / "project")
    assert not run("p.yaml", out=project / "out", store=project / "store", device="cpu").failed
    assert (project / "out" / "journal.jsonl").read_text() == before


@pytest.mark.parametrize("name", ["set", "sets/mine"])
def test_a_local_folder_of_hub_lies_beside_the_plan_too(project: Path, name: str) -> None:
    (project / "project" / name).mkdir(parents=True)
    found = placed(discover(), Kind.DATASET, "hub", {"name": name}, Path("project"))
    assert found == {"name": str(Path("project") / name)}


@pytest.mark.parametrize("value", ["ylecun/mnist", "/absolute", "~/home", "", "a\x00b", "x" * 5000, 3, None])
def test_what_is_not_there_is_left_as_it_is(project: Path, value: object) -> None:
    for kind, id, name in ((Kind.DATASET, "hub", "name"), (Kind.DATASET, "npz", "path")):
        assert placed(discover(), kind, id, {name: value}, Path("project")) == {name: value}


@pytest.mark.parametrize("how", ["option", "joined option", "variable"])
def test_the_home_folder_may_be_written_short(project: Path, how: str) -> None:
    (project / "q.yaml").write_text(
        PLAN.replace("npz: {path: %s}", "digits: {limit_train: 60, limit_test: 20}")
    )
    words = {"option": ["--store", "~/s"], "joined option": ["--store=~/s"], "variable": []}[how]
    environment = {"HOME": str(project / "home"), "OWNMARK_STORE": "~/s" if how == "variable" else ""}
    command = ["run", "q.yaml", "--device", "cpu", "--out", "~/o", *words]
    done = CliRunner().invoke(main, command, env=environment)
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (project / "home").iterdir()) == ["o", "s"]
    assert not (project / "~").exists()
