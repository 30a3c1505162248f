"""The driver's side: submits nodes that are ready as Ray tasks, and takes them in as they finish."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ownmark.errors import OwnmarkError, Unwritable
from ownmark.runner import sources
from ownmark.runner.cluster import worker
from ownmark.runner.cluster.connecting import connected
from ownmark.runner.cluster.handshake import differences, facts
from ownmark.runner.cluster.job import Job, python_path
from ownmark.runner.cluster.shares import Shares
from ownmark.runner.differing import differing_inputs
from ownmark.runner.engine import PATIENCE
from ownmark.runner.execute import Work
from ownmark.runner.graph import Front, Node
from ownmark.runner.leftovers import MARKER

RETRIES = 4
"""How often Ray tries a task again whose worker died."""
_AHEAD = 3
"""Tasks submitted for each worker, so that none waits for the driver."""
_VISIBLE = 30.0
"""Seconds that a file system may take to show what another machine has written."""


class Elsewhere(OwnmarkError):
    """What a worker's stage raised, as it described it."""

    def __init__(self, described: dict[str, str]) -> None:
        super().__init__(described["message"])
        self.ownmark_type = described["type"]
        self.ownmark_trace = described["traceback"]
        self.ownmark_stage = described["stage"]


class WorkerDiffers(OwnmarkError):
    """A worker has other code than the driver, and refused to compute under its digest."""


@dataclass
class OnRay:
    """Runs a plan's stages as Ray tasks.

    Args:
        workers: processes on this machine. address: of a cluster, instead.
    """

    workers: int | None = None
    address: str | None = None
    _running: dict[Any, Node] = field(default_factory=dict, repr=False)
    _taken: list[tuple[float, Node]] = field(default_factory=list, repr=False)

    def run(self, work: Work) -> Iterator[Node]:
        """See `Executor`."""
        with connected(self.workers, self.address) as ray:
            job = _job(work)
            marker = Path(work.engine.store.root) / f"{MARKER}{job.run}"
            marker.touch()
            try:
                _greet(ray, job, work)
                yield from self._driven(ray, job, work)
            finally:
                marker.unlink(missing_ok=True)

    def _driven(self, ray: Any, job: Job, work: Work) -> Iterator[Node]:
        front, ranks = Front(work.graph), {key: rank for rank, key in enumerate(work.graph.nodes)}
        shares = Shares(_gpu_bytes(work.engine.device), _largest(ray))
        task, spelled = ray.remote(worker.compute), ray.put(job.spelled())
        while front or self._running or self._taken:
            while front and len(self._running) < _AHEAD * _slots(ray):
                node = front.pop()
                if work.engine.ended(node):
                    front.settle(node)
                    yield node
                    continue
                self._submit(task, spelled, node, ranks[node.digest], shares)
            for node, answer in self._answers(ray):
                if self._taken_in(work, shares, node, answer):
                    front.settle(node)
                    yield node
            for node in self._due():
                self._submit(task, spelled, node, ranks[node.digest], shares)
            work.progress.running([node.label for node in self._running.values()][: _slots(ray)])

    def _submit(self, task: Any, spelled: Any, node: Node, rank: int, shares: Shares) -> None:
        options = {**shares.options(node), "max_retries": RETRIES, "retry_exceptions": False}
        self._running[task.options(**options).remote(spelled, rank, node.digest)] = node

    def _answers(self, ray: Any) -> Iterator[tuple[Node, dict[str, Any]]]:
        """Answers of tasks that have ended; waits for one a moment if there is none."""
        if not self._running:
            time.sleep(PATIENCE)
            return
        ended, _ = ray.wait(list(self._running), num_returns=1, timeout=1.0)
        more, _ = ray.wait(list(self._running), num_returns=len(self._running), timeout=0)
        for reference in dict.fromkeys([*ended, *more]):
            node = self._running.pop(reference)
            try:
                yield node, json.loads(ray.get(reference))
            except ray.exceptions.OutOfMemoryError as error:
                yield node, {"state": "memory", "error": _lost(node, error)}
            except ray.exceptions.RayError as error:
                yield node, {"state": "failed", "error": _lost(node, error)}

    def _due(self) -> list[Node]:
        """Nodes that another run was computing a moment ago."""
        due = [node for when, node in self._taken if when <= time.monotonic()]
        self._taken = [one for one in self._taken if one[1] not in due]
        return due

    def _taken_in(self, work: Work, shares: Shares, node: Node, answer: dict[str, Any]) -> bool:
        """Whether the node is settled by the answer."""
        state, engine = answer["state"], work.engine
        if state == "unwritable":
            raise Unwritable(f"worker {answer['where']}: {answer['message']}")
        if state == "taken" or (state == "memory" and shares.too_much(node)):
            self._taken.append((time.monotonic() + 5 * PATIENCE, node))
            return False
        if state == "done":
            shares.measured(node, answer["cost"])
            if _seen(work, node):
                engine.computed_elsewhere(node, answer["cost"].get("seconds", 0.0))
                return True
            answer["error"] = _lost(node, OwnmarkError(
                f"worker {answer['where']} has stored it, and this machine does not see it: the store is not shared"
            ))  # fmt: skip
        if state == "memory":
            answer["error"] = _too_large(node, answer)
        if state == "refused":
            engine.fail(node, WorkerDiffers(_refusal(node, answer)))
        else:
            engine.fail(node, Elsewhere(answer["error"]))
        return True


def _job(work: Work) -> Job:
    engine = work.engine
    return Job(
        text=work.document.text, name=work.document.name, store=str(engine.store.address),
        device=engine.device.type, run=engine.store.run, folder=str(Path.cwd()), path=python_path(),
        modules=tuple(sorted(sources.known())), facts=facts(),
    )  # fmt: skip


def _greet(ray: Any, job: Job, work: Work) -> None:
    """Ask every node of the cluster what it is.

    Raises:
        OwnmarkError: all that is wrong, before anything is computed.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    greet, asked = ray.remote(worker.greet), {}
    for node in _alive(ray):
        if node["Resources"].get("CPU"):
            where = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            task = greet.options(scheduling_strategy=where, max_retries=1, num_cpus=1).remote(job.spelled())
            asked[node["NodeID"]] = (node["NodeManagerHostname"], task)
    found: list[str] = []
    answered = 0
    for key, (host, task) in asked.items():
        try:
            there = json.loads(ray.get(task))
        except (ray.exceptions.TaskUnschedulableError, ray.exceptions.NodeDiedError):
            continue  # it went away, as nodes do at any time; others are there
        except ray.exceptions.RayError as error:
            if key in {node["NodeID"] for node in _alive(ray)}:
                found.append(
                    f"worker {host}: {_first(error)}; is ownmark {job.facts['ownmark']} installed there?"
                )
            continue
        answered += 1
        found += differences(job.facts, there, work.packs)
        found += [f"worker {host} {there['problem']}"] if there["problem"] else []
    if not answered and not found:
        raise OwnmarkError("the Ray cluster has no node with a CPU to work on; see `ray status`")
    if found:
        raise OwnmarkError("\n".join(dict.fromkeys(found)))


def _alive(ray: Any) -> list[dict[str, Any]]:
    return [node for node in ray.nodes() if node["Alive"]]


def _slots(ray: Any) -> int:
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def _largest(ray: Any) -> int:
    """CPUs of the largest machine."""
    return max((int(node["Resources"].get("CPU", 0)) for node in _alive(ray)), default=1)


def _gpu_bytes(device: Any) -> int:
    if device.type != "cuda":
        return 0
    import torch

    return int(torch.cuda.get_device_properties(device).total_memory)


def _seen(work: Work, node: Node) -> bool:
    """Whether the entry is there, once the file system shows it."""
    until = time.monotonic() + _VISIBLE
    while not work.engine.done(node):
        if time.monotonic() > until:
            return False
        time.sleep(PATIENCE)
    return True


def _refusal(node: Node, answer: dict[str, Any]) -> str:
    """Why a worker refused, and what to do."""
    sentences = answer["sentences"] or [
        f"worker {answer['where']} has another {name} for {node.stage} {node.label}"
        for name in differing_inputs(answer.get("about", {}), node.about)
    ]
    text = (
        "; ".join(sentences) or f"worker {answer['where']} finds another digest for {node.stage} {node.label}"
    )
    return f"{text}. Nothing was computed under this digest; install the same code there and run the command again"


def _too_large(node: Node, answer: dict[str, Any]) -> dict[str, str]:
    """The error of a stage that had a worker to itself and ran out of memory, with what to do."""
    first = (str(answer["error"]["message"]).splitlines() or [""])[0]
    text = (
        f"{node.stage} {node.label} ran out of memory on worker {answer.get('where', 'of its own')} with nobody beside "
        f"it ({first[:300]}); give it smaller batches (recipe.batch_size) or a larger machine"
    )
    return {**answer["error"], "message": text}


def _lost(node: Node, error: Exception) -> dict[str, str]:
    """A task that gave no answer, as records describe errors."""
    died = type(error).__name__ in (
        "WorkerCrashedError",
        "NodeDiedError",
        "OutOfMemoryError",
        "LocalRayletDiedError",
    )
    text = f"its worker died {RETRIES + 1} times ({_first(error)})" if died else _first(error)
    return {
        "type": type(error).__name__, "message": f"{node.stage} {node.label}: {text}", "traceback": str(error),
        "stage": node.stage,
    }  # fmt: skip


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
