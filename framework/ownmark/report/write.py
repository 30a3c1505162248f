"""Writes all files of a report into its run folder, each to a temporary name first."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from ownmark.report.aggregate import Grid, grids
from ownmark.report.blocks import Picture
from ownmark.report.csvfile import records_jsonl, results_csv
from ownmark.report.curves import curve_picture
from ownmark.report.document import document, page, summary
from ownmark.report.features import cloud_picture, clouds
from ownmark.report.figures import heat_map
from ownmark.report.html import html
from ownmark.report.large import is_large, overview, pages
from ownmark.report.markdown import markdown
from ownmark.report.read import planned_cells, read_run
from ownmark.report.sweeps import Sweep, sweeps
from ownmark.report.vicinity import planes, vicinity_picture
from ownmark.scratch import clear_away, hidden_of

LONGEST = 100
"""Characters of a picture's name, at most; file systems take 255."""


@dataclass(frozen=True)
class Report:
    """What was written."""

    folder: Path
    files: tuple[Path, ...]
    plan: Mapping[str, Any]
    records: tuple[Mapping[str, Any], ...]
    summary: str
    """ "36 cells: 34 finished, 1 failed, 1 not run." """
    failed: int
    missing: int
    problems: tuple[str, ...]
    """One sentence for each file of the run that could not be used."""


def write_report(run_dir: str | PathLike[str]) -> Report:
    """Write records.jsonl, results.csv, report.md, report.html and the pictures of a run.

    Raises:
        FileNotFoundError: the folder does not exist.
    """
    run = read_run(run_dir)
    made = grids(run.records, planned_cells(run.plan))
    drawn = _draw(made)
    shown = {
        key: {kind: [picture for picture, _ in group] for kind, group in of_task.items()}
        for key, of_task in drawn.items()
    }
    images = {
        picture.path: data
        for of_task in drawn.values()
        for group in of_task.values()
        for picture, data in group
    }
    parts = {grid.task.key: _pages(grid) for grid in made if is_large(grid)}
    listed = {key: [(title, name) for title, name, _ in of_task] for key, of_task in parts.items()}
    blocks = document(run, made, shown, listed)

    def read(path: str) -> bytes:
        return images[path] if path in images else (run.folder / path).read_bytes()

    texts = {
        "records.jsonl": records_jsonl(run.records),
        "results.csv": results_csv(run.records),
        "report.md": markdown(blocks),
        "report.html": html(run.name, blocks, read),
    }
    for of_task in parts.values():
        texts |= {name: html(title, page(run, part, title), read) for title, name, part in of_task}
    clear_away(run.folder.glob(".*.tmp"))
    contents = {**{name: text.encode() for name, text in texts.items()}, **images}
    for name in reversed(contents):  # what is shown before what shows it
        _write(run.folder / name, contents[name])
    _remove_pages(run.folder, texts)
    everything = [grid.everything() for grid in made]
    return Report(
        run.folder,
        tuple(run.folder / name for name in contents),
        run.plan,
        tuple(run.records),
        summary(made),
        sum(len(group.failed) for group in everything),
        sum(len(group.missing) for group in everything),
        run.problems,
    )


def _draw(made: Iterable[Grid]) -> dict[str, dict[str, list[tuple[Picture, bytes]]]]:
    """By the key of a task and their kind: `matrix`, `sweeps`, `vicinity`, `features`."""
    taken: set[str] = set()
    return {grid.task.key: _of_task(grid, taken) for grid in made}


def _of_task(grid: Grid, taken: set[str]) -> dict[str, list[tuple[Picture, bytes]]]:
    task = grid.task.name
    drawn: dict[str, list[tuple[Picture, bytes]]] = {}

    def add(kind: str, name: str, caption: str, data: bytes) -> None:
        drawn.setdefault(kind, []).append((Picture(_free(name, taken), caption), data))

    if is_large(grid):
        add("matrix", f"matrix-{task}", f"{task}: scheme by attack", overview(grid))
    else:
        caption = f"{task}: scheme by attack; framed where the attack removed the mark"
        add("matrix", f"matrix-{task}", caption, heat_map(grid))
    for sweep in sweeps(grid):
        name = f"sweep-{task}-{sweep.method}-{sweep.parameter}"
        add("sweeps", name, _caption(sweep), curve_picture(sweep))
    if around := planes(grid):
        caption = f"{task}: evidence and utility in the vicinity of the marked networks"
        add("vicinity", f"vicinity-{task}", caption, vicinity_picture(around))
    if seen := clouds(grid):
        add(
            "features",
            f"features-{task}",
            f"{task}: hidden features of images and triggers",
            cloud_picture(seen),
        )
    return drawn


def _pages(grid: Grid) -> list[tuple[str, str, Grid]]:
    """Title, file name and cells of each page of a large task."""
    stem = _free(f"page-{grid.task.name}-{_letters(grid.task.key)}", set()).removesuffix(".png")
    found = list(pages(grid))
    return [
        (f"{grid.task.name}, page {at} of {len(found)}: {part.columns[0].name} to {part.columns[-1].name}",
         f"{stem}-{at:04d}.html", part)
        for at, part in enumerate(found, start=1)
    ]  # fmt: skip


def _remove_pages(folder: Path, kept: Collection[str]) -> None:
    """Pages that an earlier report of this run had and this one has not."""
    for path in folder.glob("page-*-????.html"):
        if path.name not in kept:
            path.unlink(missing_ok=True)  # another report may be at it too


def _letters(key: str) -> str:
    """A few letters that tell tasks of one name apart."""
    return hashlib.sha256(key.encode()).hexdigest()[:6]


def _caption(sweep: Sweep) -> str:
    fixed = f" with {sweep.fixed}" if sweep.fixed else ""
    return f"{sweep.task.name}: evidence, utility and measured rates against {sweep.parameter} of {sweep.method}{fixed}"


def _free(title: str, taken: set[str]) -> str:
    """A file name of `title` that no picture has yet."""
    stem = re.sub(r"[^A-Za-z0-9._]+", "-", title)[:LONGEST].strip("-.")
    name, count = f"{stem}.png", 1
    while name in taken:
        count += 1
        name = f"{stem}-{count}.png"
    taken.add(name)
    return name


def _write(path: Path, data: bytes) -> None:
    """Written under a name that nobody can have put a link at, then renamed."""
    temporary = hidden_of(path)
    try:
        with open(temporary, "xb") as file:
            file.write(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
