"""Plans and the pack `sleepy_marks` in one folder, run in processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SITE = Path(__file__).parent / "site"
INFO = "Metadata-Version: 2.1\nName: sleepy-marks\nVersion: 0.1\n"


class Bureau:
    """Plans and the pack `sleepy_marks` in one folder, made or found again; runs them in processes of their own."""

    def __init__(self, folder: Path, plan: str) -> None:
        self.folder, self.site = folder, folder / "site"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(SITE, self.site, dirs_exist_ok=True)
        info = self.site / "sleepy_marks-0.1.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(INFO)
        (info / "entry_points.txt").write_text("[ownmark]\nsleepy = sleepy_marks\n")
        (folder / "plan.yaml").write_text(plan)
        path = os.pathsep.join([str(self.site), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
        self.environment = {
            **os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OWNMARK_CLAIM_EXPIRY": "5",
            "RAY_memory_monitor_refresh_ms": "0", "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip

    def start(self, name: str, *options: str, store: str = "") -> subprocess.Popen[str]:
        """`ownmark run` of the plan."""
        command = [sys.executable, "-m", "ownmark", "run", "plan.yaml", "--out", name, "--device", "cpu"]
        return subprocess.Popen(
            [*command, "--store", store or f"{name}-store", *options], cwd=self.folder, env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def run(self, name: str, *options: str, store: str = "") -> str:
        """The same, to the end; gives what it printed."""
        process = self.start(name, *options, store=store)
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 1, output  # the nightmares
        return output

    def script(self, text: str) -> str:
        """Run Python there, to the end."""
        process = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(text)], cwd=self.folder, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600,
        )  # fmt: skip
        assert process.returncode == 0, process.stdout
        return process.stdout

    def records(self, name: str) -> dict[str, dict[str, Any]]:
        """Of a run, without times and places."""
        return {
            path.name: without_places(json.loads(path.read_text()))
            for path in (self.folder / name / "records").glob("*.json")
        }

    def journal(self, name: str) -> list[str]:
        """Digests of what a run computed."""
        path = self.folder / name / "journal.jsonl"
        return [json.loads(line)["digest"] for line in path.read_text().splitlines()]


def without_places(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record without times, retries, and what Python says of the place of an error."""
    plain = json.loads(json.dumps(record))
    for name in ("seconds", "retries"):
        plain.get("cost", {}).pop(name, None)
    plain.get("error", {}).pop("traceback", None)
    return plain


CLUSTER = """
import contextlib, json, pathlib, sys
from ray.cluster_utils import Cluster
from ownmark.runner import run
from ownmark.runner.cluster import OnRay

@contextlib.contextmanager
def cluster(nodes=3, cpus=1):
    made = Cluster(initialize_head=True, head_node_args=dict(
        num_cpus=cpus, object_store_memory=80 * 2**20, include_dashboard=False))
    for _ in range(nodes - 1):
        made.add_node(num_cpus=cpus, object_store_memory=80 * 2**20)
    try:
        yield made
    finally:
        made.shutdown()
"""
