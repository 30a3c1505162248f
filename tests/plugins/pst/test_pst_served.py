"""Whole runs: what is served and what is kept, side by side in the record."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ownmark.report import write_report
from ownmark.runner import Finished, run

PLAN = """
tasks: [{dataset: {digits: {limit_train: 600, limit_test: 150}}, host: {convnet: {width: 0.5, recipe: {epochs: 6}}}}]
schemes: [{patch: {keys: 50, extra_epochs: 15}}, {uchida: {bits: 16, start: trained}}]
attacks:
  - {pst: {beta: 3, v: 4}}
  - {st: {beta: 3, gamma: 0.0}}
  - {gaussian_blur: {sigma: 1.0}}
  - {pst_finetune: {beta: 3, v: 4, label_on: clean, recipe: {epochs: 8}}}
attacker: {data: 300, labels: false, source: owner}
verdict: {null_models: 1, keys: 3}
"""
Records = Mapping[tuple[str, str], Mapping[str, Any]]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("pst")
    plan = folder / "tiny.yaml"
    plan.write_text(PLAN)
    return run(Path(plan), out=folder / "run", store=folder / "store", device="cpu")


@pytest.fixture(scope="module")
def records(finished: Finished) -> Records:
    assert [record["error"]["traceback"] for record in finished.failed] == []
    return {(r["cell"]["scheme"]["id"], r["cell"]["attack"]["id"]): r for r in finished.records}


def test_record_holds_evidence_behind_the_front_and_bare(records: Records) -> None:
    patch = records["patch", "pst"]
    assert patch["evidence_bare"]["rate"] == 1, "the stolen weights still know every trigger"
    assert patch["evidence"]["rate"] < 0.8
    assert patch["utility"]["suspect"] < patch["utility"]["marked"]
    assert patch["evidence_bare"]["n"] == patch["evidence"]["n"] == 50


def test_fine_tuning_behind_the_front_restores_utility(records: Records) -> None:
    before, after = records["patch", "pst"], records["patch", "pst_finetune"]
    assert after["utility"]["suspect"] > before["utility"]["suspect"]
    assert after["evidence"]["rate"] < before["evidence"]["rate"]
    assert after["granted"]["labels"] is False


def test_white_box_extraction_reads_the_weights_and_no_front(records: Records) -> None:
    for attack in ("pst", "gaussian_blur", "st"):
        record = records["uchida", attack]
        assert record["evidence"]["rate"] == 1
        assert record["evidence_bare"] is None


def test_a_front_that_does_nothing_serves_what_it_guards(records: Records) -> None:
    idle = records["patch", "st"]
    assert idle["evidence"]["rate"] == idle["evidence_bare"]["rate"] == 1
    assert idle["utility"]["suspect"] == idle["utility"]["marked"]


def test_report_shows_both_rates_and_pictures_of_the_transform(finished: Finished, records: Records) -> None:
    write_report(finished.folder)
    text = (finished.folder / "report.md").read_text()
    for attack in ("pst", "pst_finetune"):
        record = records["patch", attack]
        for name, part in (("served", "evidence"), ("weights", "evidence_bare")):
            assert f"{name} {record[part]['rate']:.3f}" in text
        assert f"]({record['exhibits']['transform']})" in text
        assert (finished.folder / record["exhibits"]["transform"]).is_file()


def test_pst_declarations_load_neither_torch_nor_pydantic() -> None:
    modules = ("pst", "st", "pst_finetune", "finetune_unlabelled", "bdr", "shield", "pixel_deflection")
    modules += ("feature_distillation", "gaussian_blur", "jpeg", "plans")
    names = ", ".join(f"ownmark_pst.{name}" for name in modules)
    code = f"import sys, {names}; sys.exit(bool({{'torch', 'pydantic', 'kornia'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
