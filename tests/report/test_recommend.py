"""Which scheme: what is declared, and what records say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ownmark.cli import main
from ownmark.discovery import discover
from ownmark.methods import Kind
from ownmark.report.recommend import markdown, recommend, starts_trained

PAGE = Path(__file__).parents[2] / "docs" / "which.md"


def record(scheme: str, attack: str, outcome: str, marked: float = 0.9, claim: bool = True) -> dict[str, Any]:
    cell = {
        "scheme": {"id": f"pack/{scheme}"}, "attack": {"id": attack}, "extractor": {"default": True},
    }  # fmt: skip
    used = {"host": 0.95, "marked": marked, "higher_is_better": True}
    return {
        "status": "ok",
        "cell": cell,
        "removal": {"outcome": outcome},
        "utility": used,
        "verdict": {"claim": claim},
    }


RECORDS = [
    record("uchida", "none", "unattacked", 0.94),
    record("adi", "none", "unattacked", 0.85),
    record("uchida", "prune", "survived"),
    record("uchida", "finetune", "removed"),
    record("adi", "prune", "survived"),
    record("adi", "finetune", "survived"),
    record("noise", "prune", "utility-lost"),
    record("noise", "finetune", "unreadable"),
    {"status": "failed", "cell": {}},
    record("gone", "prune", "survived"),
]


def advised(**wish: Any) -> list[str]:
    return [one.scheme.id for one in recommend(discover().of(Kind.SCHEME), RECORDS, **wish)]


def test_what_held_comes_first_and_what_nobody_tried_last() -> None:
    assert advised()[:3] == ["adi", "uchida", "noise"]
    assert advised(fears=["prune"])[:3] == ["uchida", "adi", "noise"]  # both held; uchida costs less
    assert advised(fears=["finetune"])[0] == "adi"


@pytest.mark.parametrize("access", ["black-box", "white-box"])
def test_only_schemes_that_can_be_read_so_are_named(access: str) -> None:
    wanted = {"black-box": ("adi", "uchida"), "white-box": ("uchida", "adi")}[access]
    names = advised(access=access)
    assert wanted[0] in names
    assert wanted[1] not in names


def test_trained_weights_are_left_to_schemes_that_start_from_them() -> None:
    catalog = discover()
    names = advised(trained=True)
    assert {"uchida", "adi"} <= set(names)
    assert all(starts_trained(catalog.find(Kind.SCHEME, name)) for name in names)
    assert len(names) < len(advised())


def test_the_table_says_what_was_tried_and_what_it_cost() -> None:
    said = markdown(recommend(discover().of(Kind.SCHEME), RECORDS))
    rows = {
        line.split("|")[1].strip(): [c.strip() for c in line.split("|")[2:-1]]
        for line in said.splitlines()[2:]
    }
    assert rows["uchida"] == ["weights", "yes", "0.010", "0 of 1", "1 of 1"]
    assert rows["riga"][-3:] == ["not tried", "not tried", "not tried"]


def test_the_command_reads_runs(tmp_path: Path) -> None:
    records = tmp_path / "run" / "records"
    records.mkdir(parents=True)
    said = CliRunner().invoke(
        main, ["recommend", str(tmp_path / "run"), "--access", "white-box", "--fear", "prune"]
    )
    assert said.exit_code == 0, said.output
    assert "| uchida |" in said.output
    assert "| adi |" not in said.output
    assert "0 records of 1 run\n" in said.output
    said = CliRunner().invoke(main, ["recommend", "--fear", "prnue"])
    assert said.exit_code == 2
    assert "prune" in said.output


def test_the_page_has_every_scheme_of_this_repository_as_it_declares_itself() -> None:
    rows = [
        line.split("|")[1:4]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    ]
    found = {row[0].strip(): (row[1].strip(), row[2].strip()) for row in rows[1:]}
    for one in recommend(discover().of(Kind.SCHEME), []):
        if one.scheme.distribution.startswith("ownmark-"):
            words = {"black-box": "answers", "white-box": "weights"}[one.access]
            assert found[one.scheme.id] == (words, "yes" if one.trained else "trains anew"), one.scheme.id
    assert json.dumps(sorted(found))
