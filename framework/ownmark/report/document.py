"""A run as a list of blocks: the one report that Markdown and HTML both render."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ownmark.report import blocks
from ownmark.report.aggregate import Grid
from ownmark.report.blocks import Block, Bullets, Heading, Links, Picture, Table, Text
from ownmark.report.cells import cell_lines, failures, impossible, row_lines, unreadable
from ownmark.report.details import exhibits, measurements, provenance
from ownmark.report.drops import control_table, drop_table
from ownmark.report.facts import (
    LEGEND,
    above,
    attackers,
    contradicted,
    criteria,
    notes,
    stated_rates,
    thresholds,
)
from ownmark.report.features import cloud_table
from ownmark.report.large import outcome_table
from ownmark.report.read import Run
from ownmark.report.reported import reported_lines, reported_table
from ownmark.report.vicinity import basin_table
from ownmark.wording import counted

Pictures = Mapping[str, Sequence[Picture]]
"""A task's pictures by kind: `matrix`, `sweeps`, `vicinity`, `features`."""


def document(
    run: Run,
    grids: Sequence[Grid],
    pictures: Mapping[str, Pictures],
    pages: Mapping[str, Sequence[tuple[str, str]]],
) -> list[Block]:
    """The whole report.

    Args:
        run: where exhibits are looked up, and what its problems were.
        grids: one a task.
        pictures: by the key of a task.
        pages: by the key of a task that is too large for one matrix, what its pages show and their paths.
    """
    made: list[Block] = [Heading(run.name, 1), Text(summary(grids)), Text(LEGEND)]
    if run.problems:
        made += [Heading("Problems with the files of this run"), Bullets(run.problems)]
    for grid in grids:
        made += _task(run, grid, pictures.get(grid.task.key, {}), pages.get(grid.task.key, ()))
    return [*made, *provenance(run.records)]


def summary(grids: Sequence[Grid]) -> str:
    """How many cells there are, and what became of them: "36 cells: 34 finished, 1 failed, 1 not run." """
    everything = [grid.everything() for grid in grids]
    ok, failed, missing = (
        sum(len(getattr(group, part)) for group in everything) for part in ("ok", "failed", "missing")
    )
    never = sum(len(group.impossible) for group in everything)
    rest = f", {never} not applicable" if never else ""
    total = ok + failed + missing + never
    return f"{counted(total, 'cell')}: {ok} finished, {failed} failed, {missing} not run{rest}."


def page(run: Run, grid: Grid, title: str) -> list[Block]:
    """One page of a task that is too large for one matrix: its cells, and all that is said of each of them."""
    made: list[Block] = [Heading(title, 1), Links((("the report", "report.html"),)), Text(LEGEND)]
    return [*made, _matrix(grid), *_notes(grid), *_details(run, grid)]


def _details(run: Run, grid: Grid) -> Iterator[Block]:
    if any(not column.unattacked for column in grid.columns):
        yield Heading("What attackers were given, and what it cost them", 3)
        yield attackers(grid)
    if (compared := reported_table(grid)) is not None:
        yield Heading("Reported | ours", 3)
        yield Text("The papers' values beside ours; they compare directly only where the task is the same.")
        yield compared
    yield from measurements(grid)
    yield from exhibits(run.folder, grid)


def _notes(grid: Grid) -> Iterator[Block]:
    if failed := failures(grid):
        yield Bullets(tuple(f"✗ {sentence}" for sentence in failed))
    if never := impossible(grid):
        yield Bullets(tuple(never))
    if lost := unreadable(grid):
        yield Bullets(tuple(lost))


def _task(run: Run, grid: Grid, pictures: Pictures, pages: Sequence[tuple[str, str]]) -> Iterator[Block]:
    yield Heading(grid.task.name)
    yield Text(_stated(grid))
    if noted := notes(grid):
        yield Bullets(tuple(f"note: {note}" for note in noted))
    if pages:
        yield outcome_table(grid)
        yield Links(tuple(pages))
    else:
        yield _matrix(grid)
        yield from _notes(grid)
    yield from pictures.get("matrix", ())
    yield Heading("How claims are decided", 3)
    yield thresholds(grid)
    yield from (Text(sentence) for sentence in (*above(grid), *contradicted(grid), *criteria(grid)))
    if not pages and any(not column.unattacked for column in grid.columns):
        yield Heading("What attackers were given, and what it cost them", 3)
        yield attackers(grid)
    controls = _controls(run)
    if (drops := drop_table(grid, controls)) is not None:
        yield Heading("What is left of each mark", 3)
        yield Text(
            "Success of fresh triggers where it is measured, else matching symbols; AvgDrop is the mean loss over the "
            "attacks."
        )
        yield drops
    if (controlled := control_table(grid, controls)) is not None:
        yield Heading("Attacks beside fine-tuning of the same budget", 3)
        yield Text("What an attack takes beyond its control is its own doing; the rest is training on.")
        yield controlled
    if not pages and (compared := reported_table(grid)) is not None:
        yield Heading("Reported | ours", 3)
        yield Text("The papers' values beside ours; they compare directly only where the task is the same.")
        yield compared
    if swept := pictures.get("sweeps"):
        yield Heading("Sweeps", 3)
        yield from swept
    if (basins := basin_table(grid)) is not None:
        yield Heading("Vicinity of the marked networks", 3)
        yield basins
        yield from pictures.get("vicinity", ())
    if (seen := cloud_table(grid)) is not None:
        yield Heading("Hidden features", 3)
        yield seen
        yield from pictures.get("features", ())
    if not pages:
        yield from measurements(grid)
        yield from exhibits(run.folder, grid)


def _controls(run: Run) -> dict[str, str]:
    found = run.plan.get("controls")
    return {str(name): str(of) for name, of in found.items()} if isinstance(found, dict) else {}


def _stated(grid: Grid) -> str:
    everything = grid.everything()
    seeds = sorted({str(record["cell"].get("seed")) for record in everything.records})
    tested = everything.first("utility", "n")
    samples = "" if tested is None else f" Utility is measured on {tested} test samples."
    return f"Seeds: {', '.join(seeds) or 'none'}. Stated false-positive rate: {stated_rates(everything)}.{samples}"


def _matrix(grid: Grid) -> Table:
    header, rows = ["scheme"], [[row_lines(row, grid)] for row in grid.rows]
    for column in grid.columns:
        groups = [grid.group(row, column) for row in grid.rows]
        _append(header, rows, column.name, [cell_lines(group) for group in groups])
        papers = [reported_lines(group) for group in groups]
        if any(papers):
            _append(header, rows, "reported", papers)
    return Table(tuple(header), tuple(tuple(row) for row in rows), matrix=True)


def _append(header: list[str], rows: list[list[Any]], title: str, entries: Sequence[blocks.Entry]) -> None:
    header.append(title)
    for row, entry in zip(rows, entries, strict=True):
        row.append(entry)
