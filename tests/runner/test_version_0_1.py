"""What version 0.1 left on disks is still read: records, store entries, marks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from ownmark.cli import main
from ownmark.report import write_report
from ownmark.runner.store import Store

OLD = Path(__file__).resolve().parents[1] / "fixtures" / "v0.1"
ENTRIES = sorted(path.parent for path in (OLD / "store").glob("*/*/*/manifest.json"))


def test_the_records_make_a_report(tmp_path: Path) -> None:
    shutil.copytree(OLD / "records-run" / "old", tmp_path / "old")
    report = write_report(tmp_path / "old")
    names = {path.stem for path in (OLD / "records-run" / "old" / "records").glob("*.json")}
    assert names
    assert {record["id"] for record in report.records} == names
    assert (report.failed, report.missing, report.problems) == (0, 0, ())
    before = json.loads((OLD / "records-run" / "old" / "records" / f"{sorted(names)[0]}.json").read_text())
    assert (
        before["removal"]["outcome"].replace("-", " ").split()[0]
        in (tmp_path / "old" / "results.csv").read_text()
    )


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda path: f"{path.parents[1].name}-{path.name[:6]}")
def test_every_store_entry_is_read(entry: Path) -> None:
    stored = Store(OLD / "store").read(entry.parents[1].name, entry.name)
    assert stored.values
    for file in entry.glob("*.safetensors"):
        assert stored.tensors(file.stem)


@pytest.mark.parametrize("mark", ["mark", "mark-uchida"])
def test_a_mark_still_claims_its_network(mark: str, tmp_path: Path) -> None:
    folder = shutil.copytree(OLD / mark, tmp_path / mark)
    said = CliRunner().invoke(main, ["verify", str(folder), str(folder / "released"), "--device", "cpu"])
    assert said.exit_code == 0, said.output
    assert "CLAIM: ownership can be claimed" in said.output
