"""A run folder -> its plan, its records in the plan's order, and what was wrong with its files."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from ownmark import strictjson
from ownmark.foreign import lies_in
from ownmark.report.fields import canonical, dig

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """What a run folder holds."""

    folder: Path
    plan: dict[str, Any]
    """The resolved plan; empty if `plan.json` is missing or damaged."""
    records: list[dict[str, Any]]
    """One per finished or failed cell, in the order of the plan's cells where it lists them."""
    problems: tuple[str, ...]
    """One sentence for each file that could not be used, and for records that were left out."""

    @property
    def name(self) -> str:
        """The plan's name, else the folder's."""
        return str(self.plan.get("name") or self.folder.name)


def read_records(run_dir: str | PathLike[str]) -> list[dict[str, Any]]:
    """The records of a run; problems are logged as warnings. `read_run` returns both."""
    run = read_run(run_dir)
    for problem in run.problems:
        log.warning("%s", problem)
    return run.records


def read_run(run_dir: str | PathLike[str]) -> Run:
    """Read `plan.json` and `records/*.json`; half-written `*.tmp` files are passed over in silence.

    Raises:
        FileNotFoundError: the folder does not exist.
    """
    folder = Path(run_dir)
    if not folder.is_dir():
        raise FileNotFoundError(f"no run folder {folder}")
    problems: list[str] = []
    plan: dict[str, Any] = {}
    if (folder / "plan.json").exists():
        plan = _load(folder / "plan.json", folder, problems) or {}
    found = (_record(path, folder, problems) for path in sorted((folder / "records").glob("*.json")))
    records = [record for record in found if record is not None]
    records = _planned(records, plan, problems)
    return Run(folder, plan, _unique(records, problems), tuple(problems))


def planned_cells(plan: Mapping[str, Any] | None) -> list[dict[str, Any]] | None:
    """The cells that `plan["cells"]` lists, each a cell or `{"id": ..., "cell": {...}}`; None if it lists none."""
    listed = dig(plan, "cells")
    if not isinstance(listed, list) or not listed:
        return None
    entries = [entry for entry in listed if isinstance(entry, dict)]
    inner = [dig(entry, "cell") for entry in entries]
    return [cell if isinstance(cell, dict) else entry for cell, entry in zip(inner, entries, strict=True)]


def _load(path: Path, folder: Path, problems: list[str]) -> dict[str, Any] | None:
    try:
        if not lies_in(folder, path) or not path.is_file():
            raise ValueError("a link that leads out of the run's folder, or no file")
        value = strictjson.read(path)
    except (OSError, ValueError) as error:
        problems.append(f"{path.name} could not be read and was left out: {error}")
        return None
    if isinstance(value, dict):
        return value
    problems.append(f"{path.name} was left out: it holds a {type(value).__name__} instead of an object")
    return None


def _record(path: Path, folder: Path, problems: list[str]) -> dict[str, Any] | None:
    record = _load(path, folder, problems)
    if record is not None and not isinstance(record.get("cell"), dict):
        problems.append(f"{path.name} was left out: a record needs a cell")
        return None
    return record


def _planned(
    records: list[dict[str, Any]], plan: Mapping[str, Any], problems: list[str]
) -> list[dict[str, Any]]:
    """Records in the plan's order, without those of cells it no longer has; sorted by name if it lists no ids."""
    order = _ids(plan.get("cells"))
    if not order:
        return sorted(records, key=_natural)
    kept = [record for record in records if isinstance(record.get("id"), str) and record["id"] in order]
    if len(kept) < len(records):
        problems.append(
            f"{len(records) - len(kept)} record(s) of cells that are not in the plan were left out"
        )
    return sorted(kept, key=lambda record: order[record["id"]])


def _ids(cells: Any) -> dict[Any, int]:
    entries: Sequence[Any] = cells if isinstance(cells, list) else ()
    ids = [dig(entry, "id") for entry in entries]
    return {} if not all(isinstance(i, str) for i in ids) else {i: at for at, i in enumerate(ids)}


def _natural(record: Mapping[str, Any]) -> tuple[Any, ...]:
    cell = record["cell"]
    parts = (dig(cell, "task"), dig(cell, "scheme"), dig(cell, "extractor"), dig(cell, "attack"))
    return (
        dig(cell, "attack", "id") != "none",
        *(canonical(part) for part in parts),
        canonical(cell.get("seed")),
    )


def _unique(records: list[dict[str, Any]], problems: list[str]) -> list[dict[str, Any]]:
    """The first record of each cell: a seed that counts twice would narrow its interval."""
    first: dict[str, dict[str, Any]] = {}
    for record in records:
        kept = first.setdefault(canonical(record["cell"]), record)
        if kept is not record:
            problems.append(
                f"record {record.get('id')} was left out: record {kept.get('id')} has the same cell"
            )
    return list(first.values())
