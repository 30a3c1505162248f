"""Stages as Ray tasks: the same records as in one process, whoever computes them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray")
sys.path.insert(0, str(Path(__file__).parent))
from bureau import CLUSTER, SITE, Bureau
from importlib_metadata import EntryPoint, entry_points

from ownmark.discovery import discover
from ownmark.hookspecs import GROUP
from ownmark.runner.cell import expand
from ownmark.runner.session import prepare

PLAN = """
name: shared
tasks: [{dataset: dots, host: dot}]
schemes: [{id: sleepy, sweep: {number: [0, 1]}}]
attacks: [none, {id: nap, sweep: {number: [0, 1, 2]}}, nightmare]
verdict: {null_models: 2, keys: 2}
"""


def test_the_plan_of_the_slow_tests_passes_every_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or they would find out months later."""
    monkeypatch.syspath_prepend(str(SITE))
    sleepy = EntryPoint(name="sleepy", value="sleepy_marks", group=GROUP)
    (tmp_path / "plan.yaml").write_text(PLAN)
    catalog = discover([*entry_points(group=GROUP), sleepy], disabled=())
    session = prepare(tmp_path / "plan.yaml", tmp_path / "run", tmp_path / "store", "cpu", None, catalog)
    assert len(expand(session.plan)) == 10


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Bureau:
    return Bureau(tmp_path_factory.mktemp("bureau"), PLAN)


@pytest.fixture(scope="module")
def alone(bureau: Bureau) -> dict[str, dict[str, Any]]:
    """Records of one process."""
    bureau.run("alone")
    found = bureau.records("alone")
    assert len(found) == 10
    assert sum(record["status"] == "failed" for record in found.values()) == 2
    return found


@pytest.mark.slow
def test_four_workers_leave_the_records_of_one_process(bureau: Bureau, alone: Mapping[str, Any]) -> None:
    bureau.run("workers", "--workers", "4")
    assert bureau.records("workers") == alone
    journal = bureau.journal("workers")
    assert len(journal) == len(set(journal)), "each stage once"
    assert set(journal) == set(bureau.journal("alone"))
    assert not list((bureau.folder / "workers-store").glob(".run-*"))


@pytest.mark.slow
def test_four_processes_on_one_store_leave_the_records_of_one(
    bureau: Bureau, alone: Mapping[str, Any]
) -> None:
    processes = [bureau.start(f"share {i}", store="shared-store") for i in range(4)]
    for process in processes:
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 1, output
    computed: list[str] = []
    for i in range(4):
        assert bureau.records(f"share {i}") == alone
        path = bureau.folder / f"share {i}" / "journal.jsonl"
        computed += bureau.journal(f"share {i}") if path.exists() else []
    assert sorted(computed) == sorted(bureau.journal("alone")), "together they computed each stage once"


@pytest.mark.slow
def test_a_cluster_of_three_nodes_leaves_the_records_of_one_process(
    bureau: Bureau, alone: Mapping[str, Any]
) -> None:
    bureau.script(
        CLUSTER
        + """
with cluster() as made:
    where = dict(out="cluster", store="cluster-store", device="cpu")
    finished = run("plan.yaml", **where, executor=OnRay(address=made.address))
    assert len(finished.failed) == 2
"""
    )
    assert bureau.records("cluster") == alone
    assert sorted(bureau.journal("cluster")) == sorted(bureau.journal("alone"))
