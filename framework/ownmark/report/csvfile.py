"""records -> results.csv, one row a record, and records.jsonl, one line a record."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ownmark.foreign import quoted_cell, shown
from ownmark.report.fields import Record, canonical, dig, flatten
from ownmark.strictjson import finite, printable

_METHOD = ("id", "label", "params")
COLUMNS: tuple[str, ...] = (
    *("id", "plan", "status", "cell.task"),
    *(
        f"cell.{part}.{name}"
        for part in ("dataset", "host", "scheme", "attack", "extractor")
        for name in _METHOD
    ),
    *("cell.extractor.default", "cell.seed"),
    *(f"utility.{name}" for name in ("metric", "higher_is_better", "host", "marked", "suspect", "n")),
    *("utility.interval.low", "utility.interval.high"),
    *(f"evidence.{name}" for name in ("access", "symbol", "hits", "n", "rate", "chance")),
    *(f"evidence_bare.{name}" for name in ("hits", "n", "rate")),
    *(f"verdict.{name}" for name in ("claim", "p_value", "theta", "hits_needed", "stated_rate", "rule")),
    *(f"verdict.{name}" for name in ("null_models", "null_pairs", "null_mean", "measured_rate")),
    *("verdict.measured_interval.low", "verdict.measured_interval.high"),
    *(f"verdict.{name}" for name in ("rescaled", "rescaled_floor")),
    *("removal.outcome", "removal.criterion.kind", "removal.criterion.amount"),
    *(f"granted.{name}" for name in ("data", "labels", "transfer", "source", "access", "queries", "copies")),
    *("cost.samples_seen", "cost.queries"),
    *("reported", "error.type", "error.message", "error.stage"),
    *(f"provenance.{name}" for name in ("ownmark", "torch", "device")),
)
"""The columns of every results.csv, first and in this order; what else records hold follows, sorted by path."""
CELL = 32_000
"""Characters of a cell, at most: what spreadsheets take. What is cut off stands in records.jsonl."""
_ELSEWHERE = ("error.traceback",)  # pages long; records.jsonl has it
_STEPS = {path: path.split(".") for path in COLUMNS}
_WHOLE = tuple(f"{path}." for path in COLUMNS)


def results_csv(records: Sequence[Record]) -> str:
    """One row a record, on one line: `COLUMNS`, then every other leaf. Lists and parameters are JSON.

    What cannot be printed is escaped, line ends too: readers disagree on where a row ends that holds them.
    """
    rows = [_row(record) for record in records]
    others = sorted({path for row in rows for path in row} - set(COLUMNS))
    text = io.StringIO()
    writer = csv.DictWriter(text, [*COLUMNS, *others], restval="", lineterminator="\n")
    writer.writerow({path: quoted_cell(shown(path)) for path in writer.fieldnames})
    writer.writerows(rows)
    return text.getvalue()


def records_jsonl(records: Iterable[Record]) -> str:
    """One JSON object a line with sorted keys; numbers that are not finite become null, which is all JSON has."""
    return "".join(
        printable(json.dumps(finite(record), sort_keys=True, ensure_ascii=False)) + "\n" for record in records
    )


def _row(record: Record) -> dict[str, str]:
    leaves = {path: dig(record, *steps) for path, steps in _STEPS.items()}
    for path, value in _leaves(record):
        if value is not None and not path.startswith(_WHOLE) and path not in _ELSEWHERE:
            leaves[path] = value
    return {path: _field(value) for path, value in leaves.items()}


def _leaves(record: Record) -> Iterator[tuple[str, Any]]:
    """Leaves by path; the two ends of an interval are leaves of their own."""
    for path, value in flatten(record).items():
        if path.endswith("interval") and isinstance(value, (list, tuple)) and len(value) == 2:
            yield f"{path}.low", value[0]
            yield f"{path}.high", value[1]
        else:
            yield path, value


def _field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (Mapping, list, tuple, bool)):
        return shown(printable(canonical(value)), CELL)
    return quoted_cell(shown(value, CELL)) if isinstance(value, str) else str(value)
