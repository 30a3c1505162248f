"""results.csv and records.jsonl."""

from __future__ import annotations

import csv
import io
import json

from tests.report.fakes import failed, record

from ownmark.report.csvfile import COLUMNS, records_jsonl, results_csv


def rows(*records):
    return list(csv.DictReader(io.StringIO(results_csv(records))))


def test_columns_are_stable_whatever_the_records_hold():
    for records in ([], [{"cell": {}}], [record()], [failed("riga", "prune")]):
        header = next(csv.reader(io.StringIO(results_csv(records))))
        assert tuple(header[: len(COLUMNS)]) == COLUMNS
        assert len(set(header)) == len(header)


def test_every_leaf_of_a_record_has_a_column():
    (row,) = rows(record("content", "pst", 2) | {"novel": {"deep": [1, 2]}})
    assert row["cell.scheme.id"] == "content"
    assert row["cell.seed"] == "2"
    assert float(row["metrics.accuracy.interval.low"]) == 0.95
    assert row["measured.fresh_triggers.hits"] == "90"
    assert row["cost.seconds.attacked"] == "0.12"
    assert row["evidence.extras.correlation"] == "0.5"
    assert row["provenance.methods.scheme"].endswith("sha256:content")
    assert json.loads(row["novel.deep"]) == [1, 2]


def test_parameters_and_truths_are_json():
    (row,) = rows(record("uchida", "prune"))
    assert json.loads(row["cell.attack.params"]) == {"fraction": 0.9}
    assert row["verdict.claim"] == "true"
    assert "cell.attack.params.fraction" not in row


def test_intervals_have_two_columns_in_either_form():
    one, other = record(), record(seed=1)
    other["verdict"]["measured_interval"] = {"low": 0.01, "high": 0.08}
    found = rows(one, other)
    assert {
        (row["verdict.measured_interval.low"], row["verdict.measured_interval.high"]) for row in found
    } == {("0.01", "0.08")}


def test_failed_records_have_a_row_without_the_traceback():
    (row,) = rows(failed("riga", "prune"))
    assert (row["status"], row["error.message"], row["utility.suspect"]) == (
        "failed",
        "no layer\\nsecond line",
        "",
    )
    assert "error.traceback" not in row


def test_jsonl_is_strict_json_with_sorted_keys():
    text = records_jsonl([{"b": float("nan"), "a": [float("inf"), 1]}, {}])
    assert text == '{"a": [null, 1], "b": null}\n{}\n'
