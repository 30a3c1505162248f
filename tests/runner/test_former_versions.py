"""What former versions left on disks is still read: records, store entries, marks, evidence.

`v0.1` was written on 27 November 2026 in the morning, `v0.1-graph` in the afternoon: since then stages are a graph,
runs have an outline, records say more of the verdict, and marks may be committed to. Whoever changes what is written
adds a folder here and leaves these as they are.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from ownmark.cli import main
from ownmark.report import write_report
from ownmark.runner.keeping import damaged
from ownmark.runner.outline import NAME
from ownmark.runner.status import status
from ownmark.runner.store import Store

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
VERSIONS = ("v0.1", "v0.1-graph")
ENTRIES = sorted(path.parent for path in FIXTURES.glob("*/store/*/*/*/manifest.json"))
MARKS = sorted(path.parents[1] for path in FIXTURES.glob("*/mark*/owner/claim.json"))


def name(path: Path) -> str:
    """Short, for test ids."""
    parts = path.relative_to(FIXTURES).parts
    return "-".join((parts[0], parts[2], path.name[:6]) if len(parts) > 2 else parts)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_records_make_a_report(version: str, tmp_path: Path) -> None:
    (run,) = (FIXTURES / version / "records-run").iterdir()
    shutil.copytree(run, tmp_path / "old")
    report = write_report(tmp_path / "old")
    names = {path.stem for path in (run / "records").glob("*.json")}
    assert names
    assert {record["id"] for record in report.records} == names
    assert (report.failed, report.missing, report.problems) == (0, 0, ())
    table = (tmp_path / "old" / "results.csv").read_text()
    for record in report.records:
        assert record["removal"]["outcome"].replace("-", " ").split()[0] in table


@pytest.mark.parametrize("entry", ENTRIES, ids=name)
def test_every_store_entry_is_read(entry: Path) -> None:
    stored = Store(entry.parents[2]).read(entry.parents[1].name, entry.name)
    assert stored.values
    for file in entry.glob("*.safetensors"):
        assert stored.tensors(file.stem)


@pytest.mark.parametrize("mark", MARKS, ids=name)
def test_a_mark_still_claims_its_network(mark: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(mark, tmp_path / mark.name)
    said = CliRunner().invoke(main, ["verify", str(folder), str(folder / "released"), "--device", "cpu"])
    assert said.exit_code == 0, said.output
    assert "CLAIM: ownership can be claimed" in said.output


def test_each_version_has_what_it_could_write() -> None:
    """Or the tests above would pass with nothing to read."""
    stages = {version: set[str]() for version in VERSIONS}
    for entry in ENTRIES:
        stages[entry.relative_to(FIXTURES).parts[0]].add(entry.parents[1].name)
    assert stages["v0.1"] == {"attacked", "evidence", "host", "judged", "marked", "threshold", "utility"}
    assert stages["v0.1-graph"] == stages["v0.1"] | {"own nulls", "decoys"}
    assert [name(mark) for mark in MARKS] == [
        f"{version}-{mark}" for version in VERSIONS for mark in ("mark", "mark-uchida")
    ]


def test_a_run_with_an_outline_tells_how_far_it_is(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "v0.1-graph", tmp_path / "there")
    folder = tmp_path / "there" / "records-run" / "graph"
    outline = json.loads((folder / NAME).read_text())
    (folder / NAME).write_text(json.dumps({**outline, "store": str(tmp_path / "there" / "store")}))
    seen = status(folder)
    assert seen.cells == seen.recorded == 4
    assert all(done == of for done, of in seen.stages.values()), seen.stages
    assert sum(of for _, of in seen.stages.values()) == len(outline["stages"])
    assert not list(damaged(Store(tmp_path / "there" / "store")))


def test_a_judge_still_recomputes_the_verdict(tmp_path: Path) -> None:
    there = FIXTURES / "v0.1-graph"
    folder = shutil.copytree(there / "evidence", tmp_path / "evidence")
    suspect = shutil.copytree(there / "mark-uchida" / "released", tmp_path / "released")
    said = CliRunner().invoke(main, ["judge", str(folder), str(suspect)])
    assert said.exit_code == 0, said.output
    assert "CLAIM" in said.output
