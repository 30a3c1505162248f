"""The engine: each stage once, whoever asks and in whichever run."""

from __future__ import annotations

import gc
import json
import threading
import traceback
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ownmark.contracts import Recipe, Samples
from ownmark.runner.claims import Claim
from ownmark.runner.engine import Engine, release
from ownmark.runner.graph import Bench, Node
from ownmark.runner.progress import Silent
from ownmark.runner.seeds import rng_for
from ownmark.runner.store import Contents, Store

NETWORK = {"network": {"weight": torch.zeros(1)}}
"""An entry of stage `host` without one is refused."""


class Notes(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.done: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)

    def finished(self, digest: str, kind: str, seconds: float) -> None:
        self.done.append(digest)


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def make(tmp_path: Path, notes: Notes) -> Callable[..., Engine]:
    """Engines on one store, as in one run after the other."""

    def engine(**options: Any) -> Engine:
        return Engine(Store(tmp_path / "store"), torch.device("cpu"), notes, tmp_path / "journal", **options)

    return engine


def counting(calls: list[str], name: str = "a", about: Any = None) -> Node:
    def compute(bench: Bench) -> Contents:
        calls.append(name)
        return Contents({"name": name}, NETWORK)

    return Node("host", name, about or {"name": name}, compute)


def failing(error: Callable[[], Exception], calls: list[str]) -> Node:
    def compute(bench: Bench) -> Contents:
        calls.append("failing")
        ballast = torch.zeros(10)  # stands for a network on the GPU
        Held.reference = weakref.ref(ballast)
        raise error()

    return Node("marked", "failing", {"name": "failing"}, compute)


class Held:
    reference: Callable[[], Any] = staticmethod(lambda: None)


def test_a_stage_is_computed_once_in_a_run_and_never_in_the_next(
    make: Callable[..., Engine], notes: Notes
) -> None:
    calls: list[str] = []
    engine = make()
    assert not engine.done(counting(calls))
    assert engine.get(counting(calls)).values["name"] == "a"
    assert engine.get(counting(calls)).values["name"] == "a"
    assert engine.done(counting(calls))
    again = make()
    assert again.done(counting(calls))
    assert again.get(counting(calls)).values["name"] == "a"
    assert calls == ["a"]
    assert notes.done == [counting(calls).digest]


def test_the_store_key_depends_on_stage_and_what_the_node_is_about_not_on_its_label() -> None:
    base = Node("host", "a", {"x": 1}, lambda bench: Contents())
    assert base.digest == Node("host", "b", {"x": 1}, lambda bench: Contents({"y": 1})).digest
    assert base.digest != Node("marked", "a", {"x": 1}, lambda bench: Contents()).digest
    assert base.digest != Node("host", "a", {"x": 2}, lambda bench: Contents()).digest


@pytest.mark.parametrize("before", ["", '{"stage": "host"}\n', '{"stage": "host"}\n{"sta', "{"])
def test_a_line_of_the_journal_that_was_broken_off_takes_no_other_with_it(
    before: str, make: Callable[..., Engine], tmp_path: Path
) -> None:
    (tmp_path / "journal").write_text(before)
    for name in ("a", "b"):
        make().get(counting([], name))
    lines = (tmp_path / "journal").read_text().splitlines()
    assert lines[:-2] == before.splitlines()
    assert [json.loads(line)["label"] for line in lines[-2:]] == ["a", "b"]


def test_the_journal_has_one_line_for_each_computed_stage(
    make: Callable[..., Engine], tmp_path: Path
) -> None:
    calls: list[str] = []
    for engine in (make(), make()):
        for name in ("a", "b", "a"):
            engine.get(counting(calls, name))
    lines = [json.loads(line) for line in (tmp_path / "journal").read_text().splitlines()]
    assert [line["label"] for line in lines] == ["a", "b"]
    assert [line["digest"] for line in lines] == [counting(calls, name).digest for name in ("a", "b")]


def test_a_failed_stage_is_not_tried_again_in_the_same_run_but_in_the_next(
    make: Callable[..., Engine],
) -> None:
    calls: list[str] = []
    engine = make()
    node = failing(lambda: RuntimeError("broke"), calls)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="broke"):
            engine.get(node)
    assert calls == ["failing"]
    assert not engine.done(node)
    with pytest.raises(RuntimeError, match="broke"):
        make().get(node)
    assert len(calls) == 2


def test_an_error_tells_the_innermost_stage_and_where_it_was_raised(make: Callable[..., Engine]) -> None:
    engine = make()
    inner = failing(lambda: RuntimeError("broke"), [])
    outer = Node("judged", "outer", {"of": inner.digest}, lambda bench: Contents(engine.get(inner).values))
    for node in (outer, outer, inner):
        with pytest.raises(RuntimeError) as caught:
            engine.get(node)
        assert caught.value.ownmark_stage == "marked"  # type: ignore[attr-defined]
        assert "ballast" in caught.value.ownmark_trace or "raise error()" in caught.value.ownmark_trace  # type: ignore[attr-defined]


def test_remembered_errors_do_not_grow_with_each_cell_that_meets_them(make: Callable[..., Engine]) -> None:
    engine, node = make(), failing(lambda: RuntimeError("broke"), [])
    lengths = []
    for _ in range(4):
        with pytest.raises(RuntimeError) as caught:
            engine.get(node)
        lengths.append(len(traceback.extract_tb(caught.value.__traceback__)))
    assert lengths[1] == lengths[2] == lengths[3] <= lengths[0]


def test_released_errors_hold_no_networks(make: Callable[..., Engine]) -> None:
    """A cell that ran out of memory must not keep that memory from the next."""
    engine = make()

    def chained() -> Exception:
        error = RuntimeError("broke")
        error.__cause__ = ValueError("why")
        return error

    try:
        engine.get(failing(chained, []))
    except RuntimeError as error:
        assert Held.reference() is not None
        release(error)
    gc.collect()
    assert Held.reference() is None


def test_an_interrupt_is_no_failure_to_remember(make: Callable[..., Engine]) -> None:
    engine = make()

    def compute(bench: Bench) -> Contents:
        raise KeyboardInterrupt

    node = Node("host", "a", {}, compute)
    with pytest.raises(KeyboardInterrupt):
        engine.get(node)
    assert not engine._failed


def test_a_refused_entry_is_computed_again_with_a_note(
    make: Callable[..., Engine], notes: Notes, tmp_path: Path
) -> None:
    calls: list[str] = []
    entry = make().get(counting(calls))
    (entry.path / "values.json").write_text("{}")
    assert make().get(counting(calls)).values["name"] == "a"
    assert calls == ["a", "a"]
    (note,) = notes.notes
    assert "values.json does not match its checksum" in note
    assert make().get(counting(calls)).values["name"] == "a"
    assert len(calls) == 2


def test_a_refused_entry_that_another_process_has_replaced_is_taken(
    make: Callable[..., Engine], notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    entry = make().get(counting(calls))
    (entry.path / "values.json").write_text("{}")
    late, take = make(), Store.claim

    def overtaken(store: Store, *which: str) -> Claim | None:
        monkeypatch.setattr(Store, "claim", take)
        make().get(counting(calls))
        return take(store, *which)

    monkeypatch.setattr(Store, "claim", overtaken)
    assert late.get(counting(calls)).values["name"] == "a"
    assert calls == ["a", "a"], "once at first, once by the other"
    assert len(notes.notes) == 1


def test_an_entry_that_another_process_removes_while_the_run_goes_on_is_computed_again(
    make: Callable[..., Engine],
) -> None:
    calls: list[str] = []
    engine = make()
    first = engine.get(counting(calls))
    engine.store.discard("host", first.path.name)
    again = engine.get(counting(calls))
    assert calls == ["a", "a"]
    assert torch.equal(again.tensors("network")["weight"], first.tensors("network")["weight"])


def test_cost_counts_the_samples_that_all_fitters_of_the_stage_have_seen(make: Callable[..., Engine]) -> None:
    samples = Samples(torch.rand(10, 1, 2, 2), torch.zeros(10, dtype=torch.int64))
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2))

    def compute(bench: Bench) -> Contents:
        for epochs in (1, 2):
            fit = bench.fitter(rng_for(epochs))
            fit(network, samples, Recipe(epochs=epochs, lr=0.01))
            fit(network, samples, Recipe(epochs=epochs, lr=0.01))
        return Contents()

    cost = make().get(Node("host", "a", {}, compute)).values["cost"]
    assert cost["samples_seen"] == 10 * (1 + 1 + 2 + 2)
    assert cost["seconds"] > 0


def test_draws_from_torchs_global_generator_are_the_same_in_every_run(make: Callable[..., Engine]) -> None:
    found = []
    for stray in range(2):
        torch.manual_seed(stray)
        state = torch.get_rng_state()
        node = Node("host", "a", {"stray": stray}, lambda bench: Contents({"draw": float(torch.rand(()))}))
        found.append(make().get(node).values["draw"])
        assert torch.equal(torch.get_rng_state(), state)
    assert found[0] == found[1]


def test_two_runs_on_one_store_compute_a_stage_once(make: Callable[..., Engine], notes: Notes) -> None:
    """The first is in the middle of it until the second has said that it waits."""
    calls: list[str] = []
    begun, waits = threading.Event(), threading.Event()
    notes.note = lambda message: (notes.notes.append(message), waits.set())  # type: ignore[method-assign]

    def compute(bench: Bench) -> Contents:
        calls.append("computed")
        begun.set()
        assert waits.wait(30)
        return Contents({"name": "slow"}, NETWORK)

    node = Node("host", "slow", {"name": "slow"}, compute)
    first = threading.Thread(target=make().get, args=(node,))
    first.start()
    assert begun.wait(30)
    assert make().get(node).values["name"] == "slow"
    first.join()
    assert calls == ["computed"]
    assert notes.notes == ["waits for another run that computes host slow"]


def test_no_claim_is_left_behind_by_success_or_failure(make: Callable[..., Engine], tmp_path: Path) -> None:
    engine = make()
    engine.get(counting([]))
    with pytest.raises(ValueError, match="no"):
        engine.get(failing(lambda: ValueError("no"), []))
    assert not list((tmp_path / "store").rglob("*.claim-*"))
