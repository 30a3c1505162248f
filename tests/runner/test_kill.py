"""A run that is killed again and again ends like one that never was, and repeats nothing."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

KILLS = 12

PLAN = """
name: killed
tasks:
  - dataset: {digits: {limit_train: 400, limit_test: 60}}
    host: {convnet: {width: 0.25, recipe: {epochs: 2}}}
schemes: [{uchida: {bits: 16}}, {content: {keys: 10}}]
attacks: [none, prune, {finetune: {recipe: {epochs: 2}}}]
verdict: {null_models: 2, keys: 3}
"""


class Warm:
    """Starts runs in children of a process that has imported everything."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.input, self.output, self.folder = process.stdin, process.stdout, folder

    def run(self, name: str, seconds: float | None = None) -> int:
        """Run the plan and give the exit status; kill the run after so many seconds."""
        folder = self.folder / name
        job = {
            "plan": str(self.folder / "plan.yaml"),
            "out": str(folder / "run"),
            "store": str(folder / "store"),
        }
        self.input.write(json.dumps({**job, "seconds": seconds}) + "\n")
        self.input.flush()
        return int(self.output.readline())

    def kill_after(self, name: str, seconds: float) -> bool:
        """Start a run and kill it after a while; False if it ended before."""
        status = self.run(name, seconds)
        assert status == 0 or os.WTERMSIG(status) == signal.SIGKILL
        return status != 0


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory, pack_environment: dict[str, str]) -> Iterator[Warm]:
    folder = tmp_path_factory.mktemp("killed")
    (folder / "plan.yaml").write_text(PLAN)
    process = subprocess.Popen(
        [sys.executable, "-m", "trial_marks.warm"], env=pack_environment, cwd=folder, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    warm = Warm(process, folder)
    assert json.loads(warm.output.readline()) == {"threads": 1}, "forking a process with threads is unsound"
    yield warm
    warm.input.close()
    process.wait(timeout=60)


def records(folder: Path, cut: Callable[[Mapping[str, Any]], dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {path.name: cut(json.loads(path.read_text())) for path in (folder / "run" / "records").iterdir()}


def journal(folder: Path) -> list[str]:
    path = folder / "run" / "journal.jsonl"
    return [json.loads(line)["digest"] for line in path.read_text().splitlines()] if path.exists() else []


def test_a_run_killed_at_a_dozen_moments_ends_like_one_that_was_not(
    warm: Warm, without_times: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> None:
    start = time.perf_counter()
    assert warm.run("whole") == 0
    whole = time.perf_counter() - start
    expected = records(warm.folder / "whole", without_times)
    stages = set(journal(warm.folder / "whole"))
    assert len(expected) == 6
    moments, kills, series = random.Random(0), 0, 0
    while kills < KILLS:
        name = f"series {series}"
        folder = warm.folder / name
        done: list[int] = []
        while kills < KILLS and warm.kill_after(name, moments.uniform(0.05, 0.35) * whole):
            kills += 1
            done.append(len(journal(folder)))
        assert warm.run(name) == 0
        series += 1
        assert records(folder, without_times) == expected
        digests = journal(folder)
        assert len(digests) == len(set(digests)), "a finished stage ran twice"
        assert set(digests) <= stages
        assert done == sorted(done)
        entries = [path for path in (folder / "store").glob("*/*/*") if not path.name.startswith(".")]
        assert {path.name for path in entries} == stages
        assert not list((folder / "store").glob("*/*/.tmp-*"))
        assert not list((folder / "run").rglob("*.tmp"))
        before = (folder / "run" / "journal.jsonl").read_bytes()
        assert warm.run(name) == 0
        assert (folder / "run" / "journal.jsonl").read_bytes() == before
    print(f"\n{kills} kills in {series} series, uninterrupted {whole:.1f} s")
