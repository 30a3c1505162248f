"""What may be wrong with a cluster: said in a sentence, before anything is computed or when it happens."""

from __future__ import annotations

import errno
import itertools
import json
import os
import re
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

pytest.importorskip("ray")
sys.path.insert(0, str(Path(__file__).parent))
from fakeray import Answer, FakeRay
from ray.exceptions import NodeDiedError, TaskUnschedulableError, WorkerCrashedError

from ownmark.errors import OwnmarkError, Unwritable
from ownmark.runner import run
from ownmark.runner.claims import Held
from ownmark.runner.cluster import OnRay, worker
from ownmark.runner.cluster import driver as driver_module
from ownmark.runner.cluster.connecting import _why, connected
from ownmark.runner.cluster.handshake import facts
from ownmark.runner.cluster.shares import Shares
from ownmark.runner.graph import Node
from ownmark.runner.status import since
from ownmark.runner.store import Contents, Store

PLAN = "schemes: [{signs: {bits: 8}}]\n"
DIGEST = "ab" * 32


def on(ray: FakeRay, monkeypatch: pytest.MonkeyPatch, workshop: Any) -> Any:
    """Run a tiny plan there."""
    monkeypatch.setattr(driver_module, "connected", ray.connected)
    plan = workshop.write(PLAN)
    places = {"out": workshop.folder / "run", "store": workshop.store, "device": "cpu"}
    return run(plan, **places, catalog=workshop.catalog, executor=OnRay(address="somewhere"))


def greeting(**changes: Any) -> Answer:
    """Workers that are what the driver is, but for some facts."""

    def answer(function: str, arguments: tuple[Any, ...]) -> dict[str, Any]:
        assert function == "greet", "nothing may be computed"
        found = {**facts(), "host": "there", "problem": changes.get("problem", "")}
        for name, value in changes.items():
            if isinstance(value, dict):
                found[name] = {**found[name], **value}
                for gone in [one for one, version in value.items() if version is None]:
                    del found[name][gone]
            else:
                found[name] = value
        return found

    return answer


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "an older Python": ({"python": "3.8"}, r"worker there has Python 3\.8, here is 3\.\d+; use the same there"),
    "a newer Python": ({"python": "3.99"}, r"worker there has Python 3\.99, here is 3\.\d+"),
    "another torch": ({"versions": {"torch": "1.0"}}, r"has torch 1\.0, here is .*; there: pip install torch==[\d.]+"),
    "no Lightning": ({"versions": {"pytorch-lightning": None}}, r"lacks pytorch-lightning, .*pip install pytorch-li"),
    "another numpy": ({"versions": {"numpy": "1.2"}}, r"has numpy 1\.2, here is .*pip install numpy=="),
    "another ownmark": ({"ownmark": "0.0.1"}, r"has ownmark 0\.0\.1, here is .*pip install ownmark=="),
    "an edited ownmark": ({"core": "x"}, r"other sources of ownmark under the same version"),
    "no store": ({"problem": "does not see the store /x; name a folder"}, r"worker there does not see the store /x"),
    "a store that is full": ({"problem": "cannot write to the store: full"}, r"worker there cannot write to the store"),
}  # fmt: skip


@pytest.mark.parametrize("other", OTHERS)
def test_a_worker_that_is_another_is_named_before_anything_runs(
    workshop: Any, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes, words = OTHERS[other]
    ray = FakeRay(greeting(**changes))
    with pytest.raises(OwnmarkError, match=words) as said:
        on(ray, monkeypatch, workshop)
    assert len(str(said.value).splitlines()) == 1
    assert [name for name, _, _ in ray.tasks] == ["greet"]
    assert not list(workshop.store.glob("*/*/*"))
    assert not list(workshop.store.glob(".run-*")), "the run's marker goes with it"


@pytest.mark.parametrize("version", [None, "9.9"], ids=["missing", "another"])
def test_a_pack_that_is_missing_counts_only_if_the_plan_uses_it(
    workshop: Any, version: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "lacks" if version is None else "has"
    plan = "schemes: [{uchida: {bits: 8}}]\n"
    monkeypatch.setattr(sys.modules[__name__], "PLAN", plan)
    with pytest.raises(
        OwnmarkError, match=rf"worker there {words} ownmark-whitebox.*pip install ownmark-whitebox=="
    ):
        on(FakeRay(greeting(packs={"ownmark-whitebox": version})), monkeypatch, workshop)
    with pytest.raises(AssertionError, match="nothing may be computed"):  # it went on to compute
        on(FakeRay(greeting(packs={"ownmark-mira": version})), monkeypatch, workshop)


GONE = {
    "unschedulable": TaskUnschedulableError("the node does not exist any more"),
    "dead": NodeDiedError("node died"),
    "crashed": WorkerCrashedError(),
}


@pytest.mark.parametrize("gone", GONE)
@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_node_that_goes_away_before_it_answers_ends_no_run_that_others_can_do(
    workshop: Any, gone: str, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = itertools.count()

    def answer(function: str, arguments: tuple[Any, ...]) -> dict[str, Any]:
        if function == "greet" and next(calls) == 0:
            ray.dead.add("a")
            raise GONE[gone]
        return greeting()(function, arguments)

    ray = FakeRay(answer, hosts=("a", "b", "c")[: left + 1])
    wanted = (AssertionError, "nothing may be computed") if left else (OwnmarkError, "no node with a CPU")
    with pytest.raises(wanted[0], match=wanted[1]):
        on(ray, monkeypatch, workshop)
    assert [name for name, _, _ in ray.tasks].count("greet") == left + 1


def test_nodes_of_one_name_are_asked_each(workshop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = FakeRay(greeting(python="3.8"), hosts=("there", "there", "there"))
    with pytest.raises(OwnmarkError) as said:
        on(ray, monkeypatch, workshop)
    assert len(ray.tasks) == 3
    assert len(str(said.value).splitlines()) == 1, "the same sentence once"


def test_a_worker_that_dies_on_a_node_that_lives_is_a_problem(
    workshop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(function: str, arguments: tuple[Any, ...]) -> dict[str, Any]:
        raise WorkerCrashedError

    with pytest.raises(OwnmarkError, match=r"worker there: .*; is ownmark .* installed there\?"):
        on(FakeRay(answer), monkeypatch, workshop)


def test_every_machine_and_every_difference_is_named_at_once(
    workshop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = FakeRay(greeting(python="3.8", versions={"torch": "1.0"}), hosts=("a", "b"))
    with pytest.raises(OwnmarkError, match=r"(?s)Python 3\.8.*torch 1\.0"):
        on(ray, monkeypatch, workshop)
    assert len(ray.tasks) == 2


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EACCES, "Denied")]
)
def test_a_worker_that_cannot_write_ends_the_run_with_its_name(
    workshop: Any, error: OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the worker says of it, from `compute` as Ray would call it, and what the driver makes of that."""

    def refuse(*_: object) -> None:
        raise Unwritable(f"/store: cannot be written ({error.strerror}); mend that")

    monkeypatch.setattr(worker, "_computed", refuse)
    monkeypatch.setattr(worker, "_end_if_spoiled", lambda: None)  # it would end the process of these tests

    def answer(function: str, arguments: tuple[Any, ...]) -> dict[str, Any]:
        if function == "greet":
            return greeting()(function, arguments)
        found: dict[str, Any] = json.loads(worker.compute(*arguments))
        return found

    with pytest.raises(Unwritable, match=rf"worker \S+ \d+: /store: cannot be written \({error.strerror}\)"):
        on(FakeRay(answer), monkeypatch, workshop)
    assert not list((workshop.folder / "run" / "records").glob("*"))
    assert not list(workshop.store.glob(".run-*"))


# --- a device that is full --------------------------------------------------------------------------------------------

FULL = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), MemoryError("no more"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried to"),
    RuntimeError("CUDA error: out of memory"), RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"),
]  # fmt: skip


@pytest.mark.parametrize("error", FULL, ids=lambda error: str(error)[:30])
def test_what_a_full_device_raises_is_known(error: Exception) -> None:
    assert worker._is_memory(error)
    wrapped = RuntimeError("a method failed")
    wrapped.__cause__ = error
    assert worker._is_memory(wrapped)


@pytest.mark.parametrize("error", [RuntimeError("memory of a fish"), ValueError("out of range")])
def test_what_else_goes_wrong_is_not(error: Exception) -> None:
    assert not worker._is_memory(error)


def test_a_full_gpu_is_shared_by_half_as_many_until_one_is_alone() -> None:
    node = Node("marked", "digits/convnet x", {}, lambda bench: Contents())
    shares = Shares(gpu_bytes=1000)
    assert shares.gpus(node) == 1, "nothing is known of it"
    shares.measured(node, {"gpu_bytes": 100})
    seen = [shares.gpus(node)]
    while shares.too_much(node):
        seen.append(shares.gpus(node))
    assert seen == [1 / 8, 1 / 4, 1 / 2, 1]


@pytest.mark.parametrize(("cpus", "held"), [(1, [1]), (4, [1, 2, 4]), (6, [1, 2, 4, 6])])
def test_a_full_machine_is_shared_by_half_as_many_until_one_is_alone(cpus: int, held: list[int]) -> None:
    node, other = (
        Node("marked", f"digits/{host} x", {}, lambda bench: Contents()) for host in ("convnet", "mlp")
    )
    shares = Shares(0, cpus)
    seen = [shares.options(node)["num_cpus"]]
    while shares.too_much(node):
        seen.append(shares.options(node)["num_cpus"])
    assert seen == held
    assert shares.options(other)["num_cpus"] == 1


def memory_is_short(function: str, arguments: tuple[Any, ...]) -> dict[str, Any]:
    """Every stage runs out of it."""
    if function == "greet":
        return greeting()(function, arguments)
    said = {"type": "OutOfMemoryError", "message": "CUDA out of memory.", "traceback": "", "stage": "host"}
    return {"state": "memory", "error": said, "where": "there 1"}


def test_a_stage_that_is_too_large_alone_fails_with_a_sentence(
    workshop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = on(FakeRay(memory_is_short), monkeypatch, workshop)
    (record,) = finished.records
    assert record["status"] == "failed"
    assert re.search(
        r"ran out of memory on worker there 1.*CUDA out of memory.*batch", record["error"]["message"]
    )
    assert not list(workshop.store.glob("*/*/*"))


# --- addresses and clocks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    ["Ray cluster at 10.0.0.1:6379 is not available", "Could not find any running Ray instance.", ""],
)
def test_no_such_cluster_is_one_sentence_that_names_the_address(said: str) -> None:
    words = _why(ConnectionError(said), "10.0.0.1:6379")
    assert words.startswith("no Ray cluster answers there (")
    assert "\n" not in words


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1:9", "ray://127.0.0.1:9", "[::1]:9", "no-such-host.invalid:6379", "not an address", "127.0.0.1",
     "127.0.0.1:70000", "127.0.0.1:6379x", ":6379", "\u0661:\u0662", "x" * 300 + ":1"],
)  # fmt: skip
def test_an_address_where_nobody_listens_is_told_at_once(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before Ray is asked, which would wait for minutes."""
    asked: list[str] = []
    module = SimpleNamespace(is_initialized=lambda: False, init=asked.append)
    monkeypatch.setattr("ownmark.runner.cluster.connecting.ray", lambda: module)
    wanted = re.escape(f"--cluster {address}: no Ray cluster answers there")
    with pytest.raises(OwnmarkError, match=wanted) as said, connected(None, address):
        raise AssertionError
    assert "\n" not in str(said.value)
    assert not asked


@pytest.mark.slow
def test_no_cluster_on_this_machine_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    wanted = "--cluster auto: no Ray cluster answers there"
    with pytest.raises(OwnmarkError, match=wanted) as said, connected(None, "auto"):
        raise AssertionError
    assert "\n" not in str(said.value)


@pytest.mark.parametrize("hours", [1, 48])
def test_a_clock_that_runs_ahead_changes_no_result_and_no_time_is_negative(
    tmp_path: Path, hours: float
) -> None:
    """Another machine's claim and entry bear times that have not come yet."""
    began = time.time() + 3600 * hours
    assert since(Held("host", DIGEST, tmp_path, {"since": began})) == 0
    store = Store(tmp_path)
    entry = store.write("host", DIGEST, Contents({"name": "a"}), {})
    for path in (entry.path, entry.path / "manifest.json"):
        os.utime(path, (began, began))
    store.sweep()
    assert store.read("host", DIGEST).values["name"] == "a"
