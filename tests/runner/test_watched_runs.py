"""What methods reach for in a run beyond what they were handed is refused, or stands in record and report."""

from __future__ import annotations

import dataclasses
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from ownmark.contracts import Fit, HostView, Key, Marked, Stolen, Suspect, Task
from ownmark.discovery import Catalog, discover
from ownmark.methods import Kind
from ownmark.report import write_report
from ownmark.runner import run
from ownmark.testing import with_fakes
from ownmark.testing.fakes import FAKES, Echo, SignMark

PLAN = """
tasks: [{dataset: {digits: {limit_train: 120, limit_test: 40}}, host: {convnet: {width: 0.25, recipe: {epochs: 1}}}}]
schemes: [%s]
attacks: [%s]
verdict: {null_models: 1, keys: 2}
"""


class TestSetThief(Echo):
    """Granted nothing, reads the very images that it will be judged on."""

    __test__ = False

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        from sklearn.datasets import load_digits

        load_digits()
        return Suspect(stolen.network)


class Caller(Echo):
    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        with socket.socket() as line:
            line.connect_ex(("127.0.0.1", 9))
        subprocess.run(["true"], check=False)
        return Suspect(stolen.network)


class Borrower(Echo):
    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        discover().build(Kind.DATASET, "digits").load()
        return Suspect(stolen.network)


class Searcher(Echo):
    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        return Suspect(stolen.network, {"methods": float(len(discover().methods))})


class Collector(SignMark):
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        from sklearn.datasets import load_digits

        load_digits()
        return super().embed(host, key, task, fit)


class Librarian(SignMark):
    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        discover()
        return super().embed(host, key, task, fit)


def with_method(target: type) -> tuple[Catalog, str]:
    kind, fake = (Kind.ATTACK, "fake-echo") if issubclass(target, Echo) else (Kind.SCHEME, "fake-signs")
    sound = next(one for one in FAKES if one.kind is kind and one.id == fake)
    method = dataclasses.replace(sound, id="reaching", target=f"{__name__}:{target.__name__}")
    base = with_fakes()
    plan = PLAN % (("fake-signs", "reaching") if kind is Kind.ATTACK else ("reaching", "none"))
    return dataclasses.replace(base, methods=(*base.methods, method)), plan


def record_of(target: type, folder: Path) -> Mapping[str, Any]:
    catalog, plan = with_method(target)
    (folder / "p.yaml").write_text(plan)
    done = run(folder / "p.yaml", out=folder / "run", store=folder / "store", device="cpu", catalog=catalog)
    (record,) = done.records
    return record


@pytest.mark.parametrize(
    ("target", "stage", "what", "line"),
    [
        (TestSetThief, "suspect", "opens '.*digits", "attack reached beyond"),
        (Caller, "suspect", "calls socket.connect", "attack reached beyond"),
        (Collector, "marked", "opens '.*digits", "scheme reached beyond"),
    ],
)
def test_files_and_connections_stand_in_record_and_report(
    target: type, stage: str, what: str, line: str, tmp_path: Path
) -> None:
    import re

    record = record_of(target, tmp_path)
    assert set(record["reached"]) == {stage}
    assert any(re.search(what, one) for one in record["reached"][stage])
    report = write_report(tmp_path / "run")
    assert line in (report.folder / "report.md").read_text()


@pytest.mark.parametrize("target", [Borrower, Searcher, Librarian])
def test_catalogue_and_datasets_are_refused(target: type, tmp_path: Path) -> None:
    record = record_of(target, tmp_path)
    assert record["status"] == "failed"
    assert record["error"]["type"] == "Reached"
    assert "all that it may use is what it was handed" in record["error"]["message"]


@pytest.mark.parametrize("target", [Echo, SignMark])
def test_honest_methods_have_no_such_line(target: type, tmp_path: Path) -> None:
    catalog, plan = with_method(Borrower if target is Echo else Librarian)
    sound = "fake-echo" if target is Echo else "fake-signs"
    (tmp_path / "p.yaml").write_text(plan.replace("reaching", sound))
    (record,) = run(
        tmp_path / "p.yaml", out=tmp_path / "run", store=tmp_path / "store", device="cpu", catalog=catalog
    ).records
    assert record["status"] == "ok"
    assert "reached" not in record
