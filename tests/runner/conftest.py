"""Tiny plans, the pack `trial_marks` beside the installed ones, and a progress that remembers."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from importlib_metadata import EntryPoint, entry_points

from ownmark.discovery import Catalog, discover
from ownmark.hookspecs import GROUP
from ownmark.runner import Finished, run
from ownmark.runner.progress import Silent

PACK = Path(__file__).parent / "pack"

TASK = """
tasks:
  - dataset: {digits: {limit_train: 250, limit_test: 60}}
    host: {convnet: {width: 0.25, recipe: {epochs: 1}}}
verdict: {null_models: 2, keys: 3}
"""


class Remembering(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, str]] = []
        self.notes: list[str] = []
        self.planned: dict[str, str] = {}
        self.cells: list[str] = []
        self.digests: list[str] = []

    def plan(self, stages: Mapping[str, str], cells: int) -> None:
        self.planned = dict(stages)

    def stage(self, kind: str, label: str) -> None:
        self.stages.append((kind, label))

    def finished(self, digest: str, kind: str, seconds: float) -> None:
        self.digests.append(digest)

    def cell(self, record: Mapping[str, Any]) -> None:
        self.cells.append(record["id"])

    def note(self, message: str) -> None:
        self.notes.append(message)

    @property
    def counts(self) -> Counter[str]:
        """Computed stages by kind."""
        return Counter(kind for kind, _ in self.stages)


class Workshop:
    """Runs plans below one folder, on one store.

    Args:
        folder: for plan, store and runs. catalog: of the methods.
    """

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.folder, self.catalog, self.task = folder, catalog, TASK
        self.progress = Remembering()

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def write(self, text: str, name: str = "tiny", task: str = TASK) -> Path:
        """A plan file of the tiny task and `text`."""
        path = self.folder / f"{name}.yaml"
        path.write_text(task + text)
        return path

    def run(self, text: str, name: str = "tiny", task: str = TASK) -> Finished:
        """Run the tiny task with `text`; `progress` then tells of this run."""
        self.progress = Remembering()
        return run(
            self.write(text, name, task), out=self.folder / name, store=self.store, device="cpu",
            progress=self.progress, catalog=self.catalog,
        )  # fmt: skip

    def journal(self, name: str = "tiny") -> list[dict[str, Any]]:
        """The run's journal."""
        path = self.folder / name / "journal.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(scope="session")
def catalog() -> Iterator[Catalog]:
    """Everything installed, and the pack of this folder."""
    sys.path.insert(0, str(PACK))
    acme = EntryPoint(name="acme", value="trial_marks", group=GROUP)
    found = discover([*entry_points(group=GROUP), acme], disabled=())
    assert not [problem for problem in found.problems if problem.distribution == "trial-marks"]
    yield found
    sys.path.remove(str(PACK))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> Workshop:
    """One workshop for the tests of a file, so that they share trained networks."""
    return Workshop(tmp_path_factory.mktemp("shared"), catalog)


@pytest.fixture
def workshop(tmp_path: Path, catalog: Catalog) -> Workshop:
    """A workshop with an empty store."""
    return Workshop(tmp_path, catalog)


@pytest.fixture(scope="session")
def without_times() -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """A record without what may differ between two runs of one plan."""

    def cut(record: Mapping[str, Any]) -> dict[str, Any]:
        plain = json.loads(json.dumps(record))
        plain.get("cost", {}).pop("seconds", None)
        return plain

    return cut


@pytest.fixture(scope="session")
def pack_environment() -> dict[str, str]:
    """Environment of a process that can import the pack."""
    path = os.pathsep.join([str(PACK), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
