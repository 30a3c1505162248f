"""The engine: computes a stage at most once, whoever asks, in this run or a later one."""

from __future__ import annotations

import json
import logging
import os
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch

from ownmark.contracts.views import seeded
from ownmark.errors import UntrustedFile, Unwritable, contained
from ownmark.loops import Fitter
from ownmark.loops.repeat import repeatable
from ownmark.runner.claims import Claim
from ownmark.runner.environment import environment, packs
from ownmark.runner.graph import Bench as Bench
from ownmark.runner.graph import Node as Node
from ownmark.runner.memory import peak
from ownmark.runner.places import writing
from ownmark.runner.seeds import stray
from ownmark.runner.shapes import require_shape
from ownmark.runner.store import Contents, Store, StoredEntry

_log = logging.getLogger("ownmark")

PATIENCE = 0.1
"""Seconds between two looks at what another process computes."""


class Progress(Protocol):
    """Is told what the run is doing."""

    def checking(self, cells: int) -> None:
        """The plan is checked before anything runs, which takes a while if it has many cells."""

    def plan(self, stages: Mapping[str, str], cells: int) -> None:
        """The run starts: digests of the stages still to compute with their kind, and the number of cells."""

    def stage(self, kind: str, label: str) -> None:
        """A stage starts to be computed."""

    def step(self, step: int, steps: int) -> None:
        """Training within the stage has come so far."""

    def finished(self, digest: str, kind: str, seconds: float) -> None:
        """A stage was computed."""

    def cell(self, record: Mapping[str, Any]) -> None:
        """A cell has its record."""

    def running(self, stages: Sequence[str]) -> None:
        """Labels of the stages that workers compute at this moment, where there are several workers."""

    def note(self, message: str) -> None:
        """Something the user should know of."""


class Engine:
    """Gives the stored entry of a node, computing it first if need be.

    Args:
        journal: file that gets one JSON line per computed stage; says after a crash what was done. None: no file.
        trainer: makes keyword arguments for `Fitter` (the user's callbacks and logger), anew for each training.
        spoken: what journal and manifests hold of a label, for runs whose labels are not for everybody.
        guard: called before a result is stored; does not return if it must not be.
    """

    def __init__(
        self,
        store: Store,
        device: torch.device,
        progress: Progress,
        journal: Path | None,
        trainer: Callable[[], dict[str, Any]] = dict,
        spoken: Callable[[str], str] = str,
        guard: Callable[[], None] = lambda: None,
    ) -> None:
        self.store = store
        self._progress = progress
        self._journal = journal
        self._trainer = trainer
        self._spoken = spoken
        self._guard = guard
        self._open: dict[str, StoredEntry] = {}
        self._failed: dict[str, Exception] = {}
        self._waited: set[str] = set()
        self.device = device

    def done(self, node: Node) -> bool:
        """Whether the node is in the store."""
        return node.digest in self._open or (node.stage, node.digest) in self.store

    def get(self, node: Node) -> StoredEntry:
        """The node's entry.

        Raises:
            Exception: whatever computing it raised, also when it failed earlier in this run.
        """
        key = node.digest
        if key in self._failed:
            raise self._failed[key].with_traceback(None)
        if key in self._open and not os.path.isfile(f"{self._open[key].path}/manifest.json"):
            # removed by another process since: `store prune`, or a run that found it damaged
            del self._open[key]
        while key not in self._open:
            self._open_or_compute(node, key, self._wait)
            if key in self._failed:
                raise self._failed[key]
        return self._open[key]

    def settle(self, node: Node) -> bool:
        """See that the node is in the store; if that fails, or a parent has failed, keep the error for `get`.

        Returns:
            Whether it is settled; False while another process computes it.

        Raises:
            Unwritable: no fault of the node, and the next one would meet it too.
        """
        key = node.digest
        if self.ended(node):
            return True
        self._open_or_compute(node, key, lambda node: None)
        if key in self._failed:
            release(self._failed[key])
        return key in self._open or key in self._failed

    def ended(self, node: Node) -> bool:
        """Whether the node is in the store, or has failed, or cannot be computed since a parent has failed."""
        key = node.digest
        if self.done(node) or key in self._failed:
            return True
        broken = next((one.digest for one in node.parents if one.digest in self._failed), None)
        if broken is not None:
            self._failed[key] = self._failed[broken]
        return broken is not None

    def failure(self, node: Node) -> Exception | None:
        """What computing the node raised in this run."""
        return self._failed.get(node.digest)

    def fail(self, node: Node, error: Exception) -> None:
        """The node failed, here or elsewhere: `get` raises the error from now on."""
        _remember(error, node.stage)
        self._failed[node.digest] = error

    def forget(self, node: Node) -> None:
        """The node may be tried again."""
        self._failed.pop(node.digest, None)

    def computed_elsewhere(self, node: Node, seconds: float) -> None:
        """A worker has stored the node."""
        self._log(node, node.digest, seconds)
        self._progress.finished(node.digest, node.stage, seconds)

    def _open_or_compute(self, node: Node, key: str, taken: Callable[[Node], None]) -> None:
        """Leaves the entry in `_open`, or the error in `_failed`, unless another process computes it."""
        try:
            entry = self._stored(node, key)
            if entry is None:
                claim = self.store.claim(node.stage, key, self._spoken(node.label))
                if claim is None:
                    taken(node)
                    return
                with claim:
                    entry = self._stored(node, key, mine=True) or self._compute(node, key, claim.retries)
            self._open[key] = entry
        except Unwritable:
            raise
        except Exception as error:
            self.fail(node, error)

    def _wait(self, node: Node) -> None:
        if node.digest not in self._waited:
            self._waited.add(node.digest)
            self._progress.note(f"waits for another run that computes {node.stage} {node.label}")
        time.sleep(PATIENCE)

    def _stored(self, node: Node, key: str, mine: bool = False) -> StoredEntry | None:
        """The entry if it is there and sound; what is not goes, but only while the claim is `mine`: without it, another
        process may have replaced the entry since it was read."""
        if (node.stage, key) not in self.store:
            return None
        try:
            return require_shape(node.stage, self.store.read(node.stage, key))
        except UntrustedFile as error:
            if mine:
                self._progress.note(f"refused a store entry and computes it again: {error}")
                self.store.discard(node.stage, key)
            return None

    def settle_together(self, nodes: Sequence[Node]) -> list[bool]:
        """As `settle`, of nodes that may be computed side by side."""
        with ExitStack() as stack:
            mine: list[tuple[Node, Claim]] = []
            for node in nodes:
                if not self.ended(node):
                    claim = self.store.claim(node.stage, node.digest, self._spoken(node.label))
                    if claim is not None:
                        mine.append((node, stack.enter_context(claim)))
            mine = [(node, claim) for node, claim in mine if not self.done(node)]
            if len(mine) > 1:
                try:
                    self._compute_together(mine)
                except Unwritable:
                    raise
                except Exception as error:  # alone, each has its own error, or enough memory
                    self._progress.note(f"computes {len(mine)} stages one by one ({type(error).__name__})")
                    release(error)
        return [self.settle(node) for node in nodes]

    def _compute_together(self, mine: Sequence[tuple[Node, Claim]]) -> None:
        first = mine[0][0]
        assert first.together is not None
        self._progress.stage(first.stage, f"{first.label} and {len(mine) - 1} beside it")
        benches, seen = zip(*(self._bench() for _ in mine), strict=True)
        members = [node.together.member for node, _ in mine if node.together is not None]
        with self._taking(first.stage, first.label) as took:
            contents = first.together.compute(list(zip(benches, members, strict=True)))
        took["seconds"] /= len(mine)
        for (node, claim), made, fitters in zip(mine, contents, seen, strict=True):
            self._keep(node, made, took, fitters, claim.retries)

    def _compute(self, node: Node, key: str, retries: int) -> StoredEntry:
        self._progress.stage(node.stage, node.label)
        bench, fitters = self._bench()
        with self._taking(node.stage, node.label) as took:
            contents = node.compute(bench)
        return self._keep(node, contents, took, fitters, retries)

    def _bench(self) -> tuple[Bench, list[Fitter]]:
        """A bench, and the fitters that it will have made."""
        seen: list[Fitter] = []

        def fitter(rng: torch.Generator) -> Fitter:
            seen.append(Fitter(self.device, rng, progress=self._progress.step, **self._trainer()))
            return seen[-1]

        return Bench(self.device, fitter), seen

    @contextmanager
    def _taking(self, stage: str, label: str) -> Iterator[dict[str, Any]]:
        """The place in which stages are computed; afterwards, what that took."""
        took: dict[str, Any] = {}
        start = time.perf_counter()
        with peak(self.device) as memory, contained(f"{stage} {label}"), repeatable(), seeded(stray(stage)):
            yield took
        took |= {"seconds": time.perf_counter() - start, **memory}

    def _keep(
        self, node: Node, contents: Contents, took: Mapping[str, Any], fitters: Sequence[Fitter], retries: int
    ) -> StoredEntry:
        """Store and tell of what was computed."""
        cost = {**took, "samples_seen": sum(one.samples_seen for one in fitters)}
        cost |= {"retries": retries} if retries else {}
        self._guard()
        stored = Contents({**contents.values, "cost": cost}, contents.tensors)
        about = {**node.about, "label": self._spoken(node.label)}
        where = environment(str(self.device)) | {"packs": packs()}
        entry = self.store.write(node.stage, node.digest, stored, about, where)
        self._log(node, node.digest, took["seconds"])
        self._progress.finished(node.digest, node.stage, took["seconds"])
        return entry

    def _log(self, node: Node, key: str, seconds: float) -> None:
        if self._journal is None:
            return
        line = json.dumps(
            {
                "stage": node.stage,
                "digest": key,
                "label": self._spoken(node.label),
                "seconds": round(seconds, 3),
            }
        )
        with writing(self._journal), self._journal.open("ab+") as file:
            if file.tell():  # what a killed process, or a full disk, broke off stays a line of its own
                file.seek(-1, os.SEEK_END)
                line = line if file.read(1) == b"\n" else f"\n{line}"
            file.write(f"{line}\n".encode())
            file.flush()
            os.fsync(file.fileno())


def _remember(error: Exception, stage: str) -> None:
    """Keep on the error where it happened, as text; once the frames are let go, so are the networks in them."""
    if not hasattr(error, "ownmark_stage"):
        error.ownmark_stage = stage  # type: ignore[attr-defined]
        error.ownmark_trace = "".join(traceback.format_exception(error))  # type: ignore[attr-defined]


def release(error: BaseException | None) -> None:
    """Let go of the frames that an error and its causes hold; its text was kept by then."""
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
