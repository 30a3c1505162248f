"""`run`: a plan in, records out."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ownmark.config import to_plain
from ownmark.discovery import Catalog, discover
from ownmark.errors import MethodNotFound, PlanError, Unwritable, contained
from ownmark.methods import Declaration, Kind
from ownmark.runner.bygone import missing_packs
from ownmark.runner.cell import Cell, Spec, canonical, expand
from ownmark.runner.device import device_called
from ownmark.runner.engine import Engine, Progress, release
from ownmark.runner.execute import Executor, InProcess, Work
from ownmark.runner.graph import Counted, Graph, Node
from ownmark.runner.judging import Judging
from ownmark.runner.making import Making
from ownmark.runner.outline import write_outline
from ownmark.runner.places import require_plain, require_writable, writing
from ownmark.runner.plan import Plan, plan_from
from ownmark.runner.preflight import check_entries, preflight, trainer_options
from ownmark.runner.qualify import at_home
from ownmark.runner.reading import Reading
from ownmark.runner.record import Recorder
from ownmark.runner.resolve import Methods
from ownmark.runner.store import store_at, write_text
from ownmark.runner.yamlfile import Document, parse, read
from ownmark.scratch import delete, is_leftover
from ownmark.strictjson import written

_RECORD = re.compile(r"[0-9a-f]{12}\.json")
_LINE = re.compile(r"[^\n]*?:(\d+): ")
_log = logging.getLogger("ownmark")


PlanSource = str | Path | tuple[Plan, Document]


@dataclass(frozen=True)
class Finished:
    """What a run leaves behind.

    Args:
        folder: with plan.json, records/ and journal.jsonl. records: one a cell, in the plan's order.
    """

    folder: Path
    records: tuple[Mapping[str, Any], ...]

    @property
    def failed(self) -> tuple[Mapping[str, Any], ...]:
        """Records of cells that failed."""
        return tuple(record for record in self.records if record["status"] == "failed")


def load_plan(source: PlanSource, catalog: Catalog | None = None) -> tuple[Plan, Document]:
    """Read a plan: a YAML file, or the name of one that a pack brings; one that was read already is what it is.

    Raises:
        PlanError: every structural problem, with file and line; or no such file or name.
    """
    if isinstance(source, tuple):
        return source
    path = Path(source)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        document, home = read(path), ""
    else:
        declaration = _plan_called(str(source), catalog or discover())
        document, home = (
            parse(named_plan(declaration.target), f"{declaration.id}.yaml"),
            declaration.distribution,
        )
    try:
        plan = plan_from(document)
    except PlanError as error:  # the rest of its problems at once
        rest = check_entries(document, catalog or discover())
        raise PlanError(_by_line([*error.problems, *rest])) from error
    return (at_home(plan, catalog or discover(), home) if home else plan), document


def _by_line(problems: Iterable[str]) -> list[str]:
    def line(problem: str) -> int:
        found = _LINE.match(problem)
        return int(found[1]) if found else 0

    return sorted(dict.fromkeys(problems), key=line)


def _plan_called(name: str, catalog: Catalog) -> Declaration:
    """The plan of that name; `mira/table4` may also be written for `mira-table4`."""
    try:
        return catalog.find(Kind.PLAN, name)
    except MethodNotFound:
        dashed = name.replace("/", "-")
        if "/" not in name or dashed not in catalog.ids(Kind.PLAN):
            raise
        return catalog.find(Kind.PLAN, dashed)


def named_plan(target: str) -> str:
    """Text of a plan that ships inside a package: `"package:folder/plan.yaml"`."""
    from importlib.resources import files

    package, _, path = target.partition(":")
    return files(package).joinpath(path).read_text(encoding="utf-8")


def run(
    plan: PlanSource,
    *,
    out: str | Path | None = None,
    store: str | Path | None = None,
    device: str = "auto",
    progress: Progress | None = None,
    executor: Executor | None = None,
    catalog: Catalog | None = None,
) -> Finished:
    """Run a plan to the end and leave a record for every cell.

    Args:
        plan: a YAML file, the name of a plan (`quickstart`), or what `load_plan` or `parse_plan` gave.
        out: run folder; `runs/<name>` if not given.
        store: finished stages, a folder or an fsspec address; `.ownmark` if not given.
        device: `auto` takes a CUDA device if there is one.
        progress: is told what happens; silent if not given.
        executor: where stages run; in this process if not given.

    Raises:
        PlanError: the plan cannot run; nothing was trained.
    """
    session = prepare(plan, out, store, device, progress, catalog)
    return session.run(executor or InProcess())


def prepare(
    plan: PlanSource,
    out: str | Path | None,
    store: str | Path | None,
    device: str,
    progress: Progress | None,
    catalog: Catalog | None,
) -> Session:
    """Read a plan, check all of it, and set up what computes it; arguments as for `run`.

    Raises:
        PlanError: the plan cannot run.
    """
    catalog = catalog or discover()
    parsed, document = load_plan(plan, catalog)
    folder = Path(out or Path("runs") / parsed.name).expanduser().resolve()
    storage = str(store or ".ownmark")
    return checked_session(parsed, document, folder, storage, device, progress, catalog)


def checked_session(
    plan: Plan,
    document: Document,
    folder: Path,
    store: str | Path,
    device: str,
    progress: Progress | None,
    catalog: Catalog,
    spoken: Callable[[str], str] = str,
    host_seed: int | None = None,
) -> Session:
    """A session for a plan that was read from `document`; other arguments as for `run` and `Engine`.

    Args:
        host_seed: of the owner's network, where cells of several seeds mark the same one.

    Raises:
        PlanError: the plan cannot run.
    """
    from ownmark.runner.progress import Silent

    told = progress or Silent()
    storage = store_at(str(store))
    engine = Engine(
        storage, device_called(device), told, folder / "journal.jsonl", lambda: trainer_options(plan), spoken
    )
    session = Session(plan, document, catalog, engine, folder, told, host_seed)
    told.checking(_count(plan))
    problems = preflight(plan, document, catalog, session.making)
    if problems:
        raise PlanError([*problems, *missing_packs(folder, catalog)])
    require_writable(folder, "--out")
    require_plain(folder / "journal.jsonl")
    storage.try_out()
    storage.sweep()
    return session


def _count(plan: Plan) -> int:
    try:
        return len(expand(plan))
    except PlanError:  # which the check will say
        return plan.cells


class Session:
    """One run: the plan, the machinery that computes its stages, and the folder its records go to."""

    def __init__(
        self,
        plan: Plan,
        document: Document,
        catalog: Catalog,
        engine: Engine,
        folder: Path,
        progress: Progress,
        host_seed: int | None = None,
    ) -> None:
        transfer = plan.transfer
        spec = (
            Spec(transfer.id, canonical(transfer.params), transfer.label or transfer.id) if transfer else None
        )
        self.plan, self.engine, self.folder, self.progress = plan, engine, folder, progress
        self.document, self._catalog = document, catalog
        self.making = Making(plan, Methods(catalog, document.folder), engine, spec, host_seed)
        self.reading = Reading(self.making)
        self.judging = Judging(self.reading)
        self._recorder = Recorder(self.making, self.reading, self.judging, plan.name)

    def run(self, executor: Executor) -> Finished:
        """Every cell of the plan."""
        cells = expand(self.plan)
        graph = self.graph()
        with writing(self.folder):
            (self.folder / "records").mkdir(parents=True, exist_ok=True)
            self._write_plan(cells)
            write_outline(self.folder, graph, self.engine.store.address, self.document)
        for note in dict.fromkeys(note for cell in cells for note in self._recorder.notes(cell)):
            self.progress.note(note)
        self.progress.plan(self._missing(graph), len(cells))
        records = {
            cell.id: self._recorded(cell) for cell in cells if self.making.misfits.of(cell) is not None
        }
        counted = Counted(graph)
        work = Work(graph, self.engine, self.document, self.progress, self._packs())
        for node in executor.run(work):
            for cell in counted.settle(node):
                records[cell.id] = self._recorded(cell)
        self._tidy(records.values())
        return Finished(self.folder, tuple(records[cell.id] for cell in cells))

    def _tidy(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Remove pictures that no record names any more."""
        if (self.folder / "exhibits").is_symlink():  # somebody else's pictures may lie there
            return
        shown = {str(value) for record in records for value in record.get("exhibits", {}).values()}
        for path in (self.folder / "exhibits").glob("*.png"):
            if str(path.relative_to(self.folder)) not in shown:
                path.unlink(missing_ok=True)

    def _work(self, cell: Cell) -> dict[str, Any]:
        if (misfit := self.making.misfits.of(cell)) is not None:
            return self._recorder.impossible(cell, misfit)
        try:
            with contained(f"a method of cell {cell.label}"):
                record = self._recorder.record(cell, self.engine)
                record["exhibits"] |= self._pictures(cell)
            return record
        except Unwritable:  # no fault of the cell, and the next one would meet it too
            raise
        except Exception as error:
            _log.debug("cell %s failed", cell.label, exc_info=True)
            record = self._recorder.failed(cell, error)
            release(error)
            return record

    def nodes(self, cell: Cell) -> tuple[Node, ...]:
        """All stages that the cell's record is made from."""
        return tuple(self._recorder.nodes(cell).values())

    def graph(self) -> Graph[Cell]:
        """The stages of all cells that can be run."""
        possible = self.making.misfits.possible(expand(self.plan))
        return Graph({cell: self.nodes(cell) for cell in possible})

    def _packs(self) -> frozenset[str]:
        return frozenset(one.distribution for one in self.making.methods.used.values())

    def _recorded(self, cell: Cell) -> dict[str, Any]:
        """The record of a cell whose stages are settled, written and told of."""
        record = self._work(cell)
        text = written(record)
        with writing(self.folder):
            write_text(self.folder / "records" / f"{record['id']}.json", text, flush=False)
        self.progress.cell(record)
        self._catalog.observe(record)
        return record

    def _missing(self, graph: Graph[Cell]) -> dict[str, str]:
        return {key: node.stage for key, node in graph.nodes.items() if not self.engine.done(node)}

    def _pictures(self, cell: Cell) -> dict[str, str]:
        """Write the picture exhibits of a cell's stages as PNG files; paths relative to the run folder.

        A picture that cannot be drawn is noted and costs no result.
        """
        from ownmark.runner.pictures import write_picture

        found = {}
        for node in (self.making.marked(cell), self.making.suspect(cell), self.reading.evidence(cell)):
            entry = self.engine.get(node)
            for name, images in (entry.tensors("exhibits") if entry.has("exhibits") else {}).items():
                try:
                    path = write_picture(self.folder / "exhibits", name, images)
                    found[name] = str(path.relative_to(self.folder))
                except ValueError as error:
                    self.progress.note(f"exhibit {name!r} of {node.label} is no picture: {error}")
        return found

    def _write_plan(self, cells: tuple[Cell, ...]) -> None:
        resolved = {
            "plan": to_plain(self.plan),
            "cells": [{"id": cell.id, "cell": self._recorder.described(cell)} for cell in cells],
        }
        write_text(self.folder / "plan.json", written(resolved))
        wanted = {f"{cell.id}.json" for cell in cells}
        if (self.folder / "records").is_symlink():
            self.progress.note(
                f"{self.folder / 'records'} is a link, so records of other plans are left in it; the report "
                "passes over what leads out of the run's folder"
            )
            return
        others = [
            path
            for path in (self.folder / "records").iterdir()
            if _RECORD.fullmatch(path.name) and path.name not in wanted
        ]
        for path in others:
            path.unlink(missing_ok=True)  # another run on this folder may be at it too
        if others:
            self.progress.note(
                f"removed {len(others)} records of cells that this plan does not have from {self.folder}, where an "
                "earlier or another plan of this name left them; their stages stay in the store. Two plans need two "
                "names, or --out"
            )
        for leftover in (*self.folder.glob("*.tmp"), *self.folder.glob("*/*.tmp")):
            linked = leftover.parent != self.folder and leftover.parent.is_symlink()
            if is_leftover(leftover) and not linked:
                delete(leftover)
