"""Claims: one owner at a time, whatever dies, sleeps, or has a clock that is wrong."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ownmark.errors import OwnmarkError, Unwritable
from ownmark.runner import claims, leftovers
from ownmark.runner.claims import EXPIRY, Claim, Claims, held, is_dead, owner_of, sweep
from ownmark.runner.engine import Engine
from ownmark.runner.execute import InProcess, Work
from ownmark.runner.graph import Bench, Graph, Node
from ownmark.runner.progress import Silent
from ownmark.runner.store import Contents, Store
from ownmark.runner.yamlfile import Document

DIGEST = "ab" * 32


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    return tmp_path / "host" / DIGEST[:2] / DIGEST


class Clock:
    """Time as claims see it; it passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(claims, "time", SimpleNamespace(monotonic=lambda: made.now, time=time.time))
    return made


def wait_for(what: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.01)


def elsewhere(claim: Claim, **changed: Any) -> None:
    """Let a claim look as if made on another machine."""
    owner = owner_of(claim.folder) | {"place": "another machine", **changed}
    (claim.folder / "owner.json").write_text(json.dumps(owner))


def test_one_owner_at_a_time_and_nothing_left_behind(entry: Path) -> None:
    first = Claims().take(entry, "a stage")
    assert first is not None
    with first:
        assert Claims().take(entry, "a stage") is None
        (seen,) = held(entry.parents[2])
        assert (seen.stage, seen.digest, seen.owner["label"]) == ("host", DIGEST, "a stage")
        assert seen.owner["process"] == os.getpid()
    assert list(entry.parent.iterdir()) == []
    again = Claims().take(entry, "a stage")
    assert again is not None
    assert again.retries == 0


def test_of_many_that_take_over_one_wins(entry: Path, clock: Clock) -> None:
    dead = Claims().take(entry, "x")
    assert dead is not None
    elsewhere(dead)
    rivals = [Claims() for _ in range(16)]
    assert [rival.take(entry, "x") for rival in rivals] == [None] * 16, "none of them has seen it stand still"
    clock.pass_by(61)
    won: list[Claim | None] = []
    threads = [threading.Thread(target=lambda r=r: won.append(r.take(entry, "x"))) for r in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [one for one in won if one is not None]
    with winner:
        assert Claims().take(entry, "x") is None
    assert list(entry.parent.iterdir()) == [], "the abandoned one goes too"


def test_a_claim_that_beats_is_never_taken_over(entry: Path, clock: Clock) -> None:
    claim, rival = Claims(expiry=0.6).take(entry, "x"), Claims()
    assert claim is not None
    beat = claim.folder / "beat"
    with claim:
        elsewhere(claim)
        for _ in range(10):
            assert rival.take(entry, "x") is None
            before = beat.read_text()
            wait_for(lambda before=before: beat.read_text() not in (before, ""))  # type: ignore[misc]
            clock.pass_by(50)


def taken_over(entry: Path, clock: Clock) -> tuple[Claim, Claim]:
    """A claim whose owner sleeps, and that of who took over meanwhile."""
    owner, rival = Claims(expiry=5000).take(entry, "sleeps"), Claims()
    assert owner is not None
    owner.__enter__()
    elsewhere(owner)
    assert rival.take(entry, "x") is None
    clock.pass_by(61)
    claim = rival.take(entry, "x")
    assert claim is not None
    return owner, claim


def test_who_was_taken_over_and_wakes_up_takes_nobody_elses_claim_away(entry: Path, clock: Clock) -> None:
    owner, claim = taken_over(entry, clock)
    with claim:
        owner.__exit__()
        assert claim.folder.is_dir()
        assert Claims().take(entry, "x") is None
    assert list(entry.parent.iterdir()) == []


def test_a_claim_of_the_same_name_that_came_later_stays(entry: Path, clock: Clock) -> None:
    """Who took over has ended, and the next to come begins to count anew."""
    owner, claim = taken_over(entry, clock)
    with claim:
        pass
    (later := entry.with_name(f"{DIGEST}.claim-0")).mkdir()
    (later / "owner.json").write_text(json.dumps({"process": 1, "started": "later", "retries": 0}))
    owner.__exit__()
    assert [path.name for path in entry.parent.iterdir()] == [later.name]


@pytest.mark.parametrize("hours", [-48, -1, 1, 48])
def test_clocks_that_run_ahead_or_behind_decide_nothing(entry: Path, hours: float, clock: Clock) -> None:
    claim = Claims().take(entry, "x")
    assert claim is not None
    then = time.time() + hours * 3600
    elsewhere(claim, since=then)
    for path in (claim.folder / "beat", claim.folder):
        os.utime(path, (then, then))
    rival = Claims()
    assert rival.take(entry, "x") is None
    clock.pass_by(59)
    assert rival.take(entry, "x") is None
    clock.pass_by(2)
    assert rival.take(entry, "x") is not None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"process": "one"}', '{"process": 1, "retries": "x"}'])
def test_a_claim_that_says_nothing_is_waited_for_and_taken_over(entry: Path, text: str, clock: Clock) -> None:
    """Damaged, or of a former version and killed between mkdir and the file."""
    folder = entry.with_name(f"{DIGEST}.claim-0")
    folder.mkdir(parents=True)
    if text:
        (folder / "owner.json").write_text(text)
    rival = Claims()
    assert rival.take(entry, "x") is None
    clock.pass_by(59)
    assert rival.take(entry, "x") is None
    clock.pass_by(2)
    assert rival.take(entry, "x") is not None


def _hold(entry: Path, run: str, ready: Any) -> None:
    claim = Claims(run).take(entry, "x")
    assert claim is not None
    with claim:
        ready.set()
        time.sleep(60)


def test_what_a_killed_process_held_is_free_at_once_and_its_run_counts_it(entry: Path) -> None:
    context = multiprocessing.get_context("fork")
    for death in (1, 2):
        ready = context.Event()
        worker = context.Process(target=_hold, args=(entry, "one run", ready))
        worker.start()
        assert ready.wait(30)
        assert Claims("one run").take(entry, "x") is None
        os.kill(worker.pid or 0, signal.SIGKILL)
        worker.join()
        assert is_dead(owner_of(entry.with_name(f"{DIGEST}.claim-{death - 1}")))
    claim = Claims("one run").take(entry, "x")
    assert claim is not None
    assert claim.retries == 2
    sweep(entry.parents[2])
    assert [path.name for path in entry.parent.iterdir()] == [f"{DIGEST}.claim-2"]


def _end(entry: Path, which: int) -> None:
    """Take a claim and give it back; end at the given step, as a killed process does."""
    steps = iter(range(which))

    def step(event: str, _: object) -> None:
        if event in ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir") and next(steps, None) is None:
            os._exit(9)

    with Claims().take(entry, "x") or pytest.fail("was taken"):
        pass  # what is imported on the way has been now
    sys.addaudithook(step)
    with Claims().take(entry, "x") or pytest.fail("was taken"):
        pass
    os._exit(0)


def test_wherever_its_owner_is_killed_a_claim_is_free_at_once(entry: Path) -> None:
    context, which, status = multiprocessing.get_context("fork"), 0, 9
    while status == 9:
        process = context.Process(target=_end, args=(entry, which))
        process.start()
        process.join()
        status, which = process.exitcode or 0, which + 1
        sweep(entry.parents[2])
        leftovers.sweep(entry.parents[2])
        assert list(entry.parent.iterdir()) == [], f"step {which}"
    assert status == 0
    assert which > 8


def test_a_claim_that_came_between_a_look_and_a_removal_stays(
    entry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process ended the dead one's claim first, and a third has made one of its name."""
    entry.parent.mkdir(parents=True)
    claim = Claims().take(entry, "x")
    assert claim is not None
    looks = iter([True])
    monkeypatch.setattr(claims, "is_dead", lambda owner: next(looks, False))
    sweep(entry.parents[2])
    assert owner_of(claim.folder)["label"] == "x"
    assert list(entry.parent.iterdir()) == [claim.folder]


@pytest.mark.parametrize("files", [[], ["beat"], ["owner.json"]], ids=str)
def test_what_is_left_of_a_claim_is_swept_after_a_day(entry: Path, files: list[str]) -> None:
    """Its owner, of a former version, was killed while it made the claim, or while it took it away."""
    old, new = (entry.with_name(f"{DIGEST}.claim-{i}") for i in range(2))
    for folder in (old, new):
        folder.mkdir(parents=True)
        for name in files:
            (folder / name).write_text("")
    for path in (*old.iterdir(), old):
        os.utime(path, (0, 0))
    sweep(entry.parents[2])
    assert list(entry.parent.iterdir()) == [new]


@pytest.mark.parametrize("value", ["soon", "0", "-5", "nan", "1e9"])
def test_an_expiry_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(EXPIRY, value)
    with pytest.raises(OwnmarkError, match=EXPIRY):
        Claims()


def test_where_no_folder_can_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "host").write_text("in the way")
    with pytest.raises(Unwritable, match="cannot be written"):
        Claims().take(tmp_path / "host" / "ab" / DIGEST, "x")


# --- several processes on one store ---------------------------------------------------------------------------------


def meeting(count: int, log: Path, together: Callable[[], object]) -> Graph[str]:
    """Stages, two by two made into a third; the first that a process computes waits for the others' first."""
    met: list[object] = []

    def node(name: str, *parents: Node) -> Node:
        def compute(bench: Bench) -> Contents:
            if not met:
                met.append(together())
            with log.open("a") as file:
                file.write(f"{name}\n")
            return Contents({"name": name}, {"network": {"weight": torch.zeros(1)}})

        return Node("host", name, {"name": name}, compute, parents)

    first = [node(str(i)) for i in range(count)]
    pairs = [node(f"pair {i}", *first[2 * i : 2 * i + 2]) for i in range(count // 2)]
    return Graph({one.label: [one] for one in pairs})


def _work(folder: Path, count: int, barrier: Any) -> None:
    import fcntl

    fcntl.flock = lambda *_: None  # type: ignore[assignment]  # as NFS may have it
    engine = Engine(Store(folder / "store"), torch.device("cpu"), Silent(), folder / f"journal-{os.getpid()}")
    graph = meeting(count, folder / "log", lambda: barrier.wait(120))
    settled = list(InProcess().run(Work(graph, engine, Document(None, "", {}), Silent())))
    assert len(settled) == count + count // 2
    assert not engine._failed


def test_processes_share_ready_stages_without_walking_in_step_and_without_flock(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(4)
    workers = [context.Process(target=_work, args=(tmp_path, 16, barrier)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    names = (tmp_path / "log").read_text().split("\n")[:-1]
    assert len(names) == len(set(names)) == 24, "each stage once"
    shares = [len(path.read_text().splitlines()) for path in tmp_path.glob("journal-*")]
    assert len(shares) == 4, "everybody had work"
    assert not list(tmp_path.rglob("*.claim-*"))
