"""Workers, a node and the driver are killed at random moments; the run resumes and ends like one that never was."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray")
sys.path.insert(0, str(Path(__file__).parent))
from bureau import CLUSTER, Bureau

from ownmark.runner.claims import held
from ownmark.runner.cluster.driver import RETRIES

WORKERS, NODES, DRIVERS = 12, 3, 5
PLAN = """
name: shared
tasks: [{dataset: dots, host: dot}]
schemes: [{id: sleepy, sweep: {number: [0, 1]}, params: {seconds: 0.3}}]
attacks: [none, {id: nap, sweep: {number: [0, 1, 2, 3, 4, 5]}, params: {seconds: 0.6}}, nightmare]
verdict: {null_models: 2, keys: 2}
"""


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Bureau:
    return Bureau(tmp_path_factory.mktemp("bureau"), PLAN)


@pytest.fixture(scope="module")
def alone(bureau: Bureau) -> dict[str, dict[str, Any]]:
    bureau.run("alone")
    return bureau.records("alone")


def finished(store: Path) -> dict[str, int]:
    """When each entry was written."""
    found = (path for path in store.glob("*/*/*/manifest.json") if not path.parent.name.startswith("."))
    return {path.parent.name: path.stat().st_mtime_ns for path in found}


def check(bureau: Bureau, name: str, alone: dict[str, Any], before: dict[str, int]) -> None:
    assert bureau.records(name) == alone
    journal = bureau.journal(name)
    assert len(journal) == len(set(journal)), "a finished stage was computed twice"
    now = finished(bureau.folder / f"{name}-store")
    assert before.items() <= now.items(), "a finished stage was written again"
    assert set(now) == set(finished(bureau.folder / "alone-store")), "none lost, none too many"


@pytest.mark.slow
def test_workers_are_killed(bureau: Bureau, alone: dict[str, Any]) -> None:
    draw, kills, retries = random.Random(0), 0, 0
    while kills < WORKERS:
        name = f"workers {kills}"
        store, before = bureau.folder / f"{name}-store", dict[str, int]()
        process, deaths, progress = bureau.start(name, "--workers", "3"), Counter[str](), 0
        while process.poll() is None and kills < WORKERS:
            time.sleep(draw.uniform(0.1, 1.5))
            victims = [one for one in held(store) if one.owner and deaths[one.digest] < RETRIES]
            before |= finished(store)
            if victims and process.poll() is None and len(before) > progress:
                victim = draw.choice(victims)
                with suppress(ProcessLookupError):  # a worker of the run that was started above
                    os.kill(victim.owner["process"], signal.SIGKILL)
                    kills += 1
                    deaths[victim.digest] += 1
                    progress = len(before)  # or one stage might die more often than is forgiven
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 1, output
        check(bureau, name, alone, before)
        records = (bureau.folder / name / "records").glob("*.json")
        retries += sum(json.loads(path.read_text()).get("cost", {}).get("retries", 0) for path in records)
    print(f"\n{kills} workers killed, {retries} retries in records")
    assert retries > 0, "records count them"


@pytest.mark.slow
def test_the_driver_is_killed(bureau: Bureau, alone: dict[str, Any]) -> None:
    draw, before, kills = random.Random(1), dict[str, int](), 0
    store = bureau.folder / "driver-store"
    while kills < DRIVERS:
        process = bureau.start("driver", "--workers", "3")
        progress = len(finished(store))
        while process.poll() is None and len(finished(store)) < progress + draw.randint(1, 4):
            time.sleep(0.1)
        if process.poll() is not None:
            break
        process.kill()
        process.communicate(timeout=60)
        kills += 1
        before |= finished(store)
    print(f"\n{kills} drivers killed")
    bureau.run("driver", "--workers", "3")
    check(bureau, "driver", alone, before)


@pytest.mark.slow
def test_nodes_die(bureau: Bureau, alone: dict[str, Any]) -> None:
    output = bureau.script(CLUSTER + f"""
import random, subprocess, time
draw, killed = random.Random(2), 0
with cluster() as made:
    run = ["-m", "ownmark", "run", "plan.yaml", "--out", "nodes", "--store", "nodes-store", "--device", "cpu"]
    process = subprocess.Popen([sys.executable, *run, "--cluster", made.address])
    while not list(pathlib.Path("nodes-store").glob("marked/*/*/manifest.json")):
        assert process.poll() is None
        time.sleep(0.1)
    while killed < {NODES} and process.poll() is None:
        made.remove_node(draw.choice(list(made.worker_nodes)), allow_graceful=False)
        killed += 1
        made.add_node(num_cpus=1, object_store_memory=80 * 2**20)
        time.sleep(draw.uniform(0, 3))
    assert process.wait() == 1  # the nightmares
    print("killed during the run:", killed)
""")  # fmt: skip
    print(output)
    assert f"killed during the run: {NODES}" in output
    check(bureau, "nodes", alone, {})
