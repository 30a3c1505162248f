"""Why a cell's stages are computed anew: which of their inputs differ from what the store holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ownmark import strictjson
from ownmark.discovery import Catalog
from ownmark.errors import OwnmarkError
from ownmark.foreign import shown
from ownmark.runner.cell import Cell, expand
from ownmark.runner.differing import differing_inputs
from ownmark.runner.graph import Graph, Node
from ownmark.runner.outline import NAME, read_outline
from ownmark.runner.plan import Plan
from ownmark.runner.preflight import naming_code
from ownmark.runner.session import Session
from ownmark.runner.store import Store
from ownmark.runner.yamlfile import Document, read


@dataclass(frozen=True)
class Reason:
    """One stage of a cell.

    Args:
        stored: whether the store holds it. differs: else, by what it differs from the nearest entry of its kind;
            empty if there is none.
    """

    stage: str
    label: str
    stored: bool
    differs: tuple[str, ...] = ()


def why(session: Session, wanted: str) -> tuple[Cell, list[Reason]]:
    """The cell of that id, or its beginning, or its label, with its stages, parents first.

    Raises:
        OwnmarkError: the plan has no such cell, or several.
    """
    cell = _cell(expand(session.plan), wanted)
    graph, store = Graph({cell: session.nodes(cell)}), session.engine.store
    return cell, [_reason(store, node, session.engine.done(node)) for node in graph.nodes.values()]


def plan_of(wanted: str, runs: Path = Path("runs")) -> tuple[str, str]:
    """Text and name of the plan whose run, in `runs`, has the cell.

    Raises:
        OwnmarkError: none has.
    """
    for outline in sorted(
        filter(Path.is_file, runs.glob(f"*/{NAME}")), key=lambda path: -path.stat().st_mtime
    ):
        try:
            found = read_outline(outline.parent)
        except OwnmarkError:  # of another run, damaged
            continue
        if any(id.startswith(wanted) or label == wanted for id, (label, _) in found.cells.items()):
            return found.plan
    raise OwnmarkError(
        f"no run in {runs} has a cell {wanted!r:.60}; name its plan with --plan, the cell by the id of its record "
        "(runs/NAME/records/ID.json)"
    )


def require_known(plan: Plan, document: Document, catalog: Catalog) -> None:
    """A plan out of a run folder, which may be anybody's: one that is code must also be a file of the user's.

    Raises:
        OwnmarkError: it names code, and is not what its file says.
    """
    file = Path(document.name)
    trained = plan.trainer.logger is not None or plan.trainer.callbacks
    if not (trained or naming_code(plan, catalog)):
        return
    if not (file.is_file() and read(file).text == document.text):
        raise OwnmarkError(
            f"the plan that this run's folder holds names code, and is not what {shown(document.name, 200)} says now; "
            "name the plan with --plan"
        )


def _cell(cells: tuple[Cell, ...], wanted: str) -> Cell:
    found = [cell for cell in cells if cell.id.startswith(wanted) or cell.label == wanted]
    if len(found) == 1:
        return found[0]
    near = ", ".join(f"{cell.id} ({cell.label})" for cell in (found or cells)[:5])
    what = "several cells are called" if found else "the plan has no cell"
    raise OwnmarkError(f"{what} {wanted!r:.60}: {near}{' ...' if len(found or cells) > 5 else ''}")


def _reason(store: Store, node: Node, stored: bool) -> Reason:
    if stored:
        return Reason(node.stage, node.label, True)
    others = sorted((differing_inputs(about, node.about) for about in _abouts(store, node)), key=len)
    return Reason(node.stage, node.label, False, tuple(others[0] if others else ()))


def _abouts(store: Store, node: Node) -> Iterator[dict[str, Any]]:
    """What stored stages of the node's kind are about; those of its label only, if there are any."""
    found = []
    for path in (store.root / node.stage).glob("*/*/manifest.json"):
        try:
            about = strictjson.read(path)["about"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if isinstance(about, dict):
            found.append(about)
    same = [about for about in found if about.get("label") == node.label]
    yield from same or found
