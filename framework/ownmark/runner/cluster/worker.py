"""The worker's side: one function that computes one node, if its digest is the one that was asked for.

A process that has refused, or whose sources changed under it, is never trusted again: asked once more it ends, and Ray
tries the task in a fresh one. So no entry is ever written under the hash of other code.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import re
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ownmark.errors import OwnmarkError, Unwritable
from ownmark.foreign import shown
from ownmark.runner import sources
from ownmark.runner.cluster.job import Job, job_of

if TYPE_CHECKING:
    from ownmark.runner.graph import Graph, Node
    from ownmark.runner.session import Session

_spoiled: list[str] = []
"""Why this process is not trusted any more."""

DISTRUST = 70
"""Exit status of a process that is not trusted any more."""


def compute(spelled: str, rank: int, key: str) -> str:
    """Compute the node `key`, number `rank` of the plan's graph, if it is not there yet.

    Returns:
        JSON: `state` (done, taken, failed, refused, memory or unwritable), `where`, and what belongs to the state.
    """
    _end_if_spoiled()
    job = job_of(spelled)
    try:
        answer = _computed(job, spelled, rank, key)
    except Unwritable as error:
        answer = {"state": "unwritable", "message": str(error)}
    except OwnmarkError as error:
        answer = {"state": "failed", "error": _described(error)}
    finally:
        _give_back()
    return json.dumps({**answer, "where": f"{os.uname().nodename} {os.getpid()}"})


def greet(spelled: str) -> str:
    """JSON: the worker's `facts`, and `problem`, if it does not see the store."""
    from ownmark.runner.cluster.handshake import facts
    from ownmark.runner.leftovers import MARKER
    from ownmark.runner.store import store_at

    job = job_of(spelled)
    problem = ""
    _settle_in(job)
    try:
        store_at(job.store, job.run).try_out()
        if "://" not in job.store and not (Path(job.store) / f"{MARKER}{job.run}").exists():
            problem = (
                f"does not see the store {job.store}; name a folder that all machines share, or an address"
            )
    except Unwritable as error:
        problem = f"cannot write to the store: {error}"
    return json.dumps({**facts(), "problem": problem})


def _computed(job: Job, spelled: str, rank: int, key: str) -> dict[str, Any]:
    from ownmark.runner.cluster.handshake import differences, facts

    session, graph = _session(spelled)
    if others := differences(job.facts, facts(), ()):
        _spoiled.append("other versions")
        return {"state": "refused", "sentences": others}
    node = graph.nodes.get(key)
    if node is None:
        _spoiled.append("refused")
        return {"state": "refused", "sentences": [], "about": _about(graph, rank)}
    if session.engine.settle(node):
        error = session.engine.failure(node)
        if error is None:
            return {"state": "done", "cost": session.engine.get(node).values.get("cost", {})}
        session.engine.forget(node)
        return {"state": "memory" if _is_memory(error) else "failed", "error": _described(error)}
    return {"state": "taken"}


@functools.lru_cache(maxsize=1)
def _session(spelled: str) -> tuple[Session, Graph[Any]]:
    """The job's session and graph, built once a process."""
    job = job_of(spelled)
    _settle_in(job)
    sources.watch(job.modules)
    from ownmark.discovery import discover
    from ownmark.runner.cell import expand
    from ownmark.runner.engine import Engine
    from ownmark.runner.graph import Graph
    from ownmark.runner.plan import parse_plan
    from ownmark.runner.preflight import trainer_options
    from ownmark.runner.progress import Silent
    from ownmark.runner.session import Session
    from ownmark.runner.store import store_at

    plan, document = parse_plan(job.text, job.name)
    engine = Engine(
        store_at(job.store, job.run), _device(job.device), Silent(), None, lambda: trainer_options(plan),
        guard=_end_if_spoiled,
    )  # fmt: skip
    session = Session(plan, document, discover(), engine, Path(job.folder), Silent())
    cells = {}
    for cell in expand(plan):
        with suppress(
            OwnmarkError
        ):  # cells that the driver's checks have found to be impossible are not asked for
            cells[cell] = session.nodes(cell)
    graph = Graph(cells)
    gc.collect()
    gc.freeze()  # what is there now stays: looking through all of it again would take longer than a small stage
    return session, graph


def _settle_in(job: Job) -> None:
    """Let relative paths and the user's code mean what they mean to the driver."""
    with suppress(OSError):
        os.chdir(job.folder)
    sys.path[:] = dict.fromkeys([*(entry for entry in job.path if os.path.exists(entry)), *sys.path])


def _device(kind: str) -> Any:
    from ownmark.runner.device import device_called

    return device_called(kind)


def _end_if_spoiled() -> None:
    """End the process if it refused before, or if a file that decides digests changed since it was first looked at."""
    if not _spoiled:
        moved = sources.moved()
        if moved is None:
            return
    sys.stderr.flush()
    os._exit(DISTRUST)


def _about(graph: Graph[Any], rank: int) -> Any:
    """What the node of that rank is about here, for the driver to say what differs."""
    nodes: list[Node] = list(graph.nodes.values())
    return dict(nodes[rank].about) if rank < len(nodes) else {}


_FULL = re.compile(r"out of memory|can't allocate memory|_ALLOC_FAILED")
"""What PyTorch says in a plain `RuntimeError` where memory is short."""


def _is_memory(error: BaseException | None) -> bool:
    """Whether memory was short, for the error itself or what it came from."""
    import torch

    while error is not None:
        if isinstance(error, torch.OutOfMemoryError | MemoryError):
            return True
        if isinstance(error, RuntimeError) and _FULL.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def _described(error: BaseException) -> dict[str, str]:
    """As records describe errors."""
    trace = getattr(error, "ownmark_trace", None) or "".join(traceback.format_exception(error))
    kind = getattr(error, "ownmark_type", type(error).__name__)
    return {
        "type": kind, "message": str(error), "traceback": trace, "stage": getattr(error, "ownmark_stage", "plan"),
        "line": shown(error, 400),
    }  # fmt: skip


def _give_back() -> None:
    """Memory of the stage, so that others can have it."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
