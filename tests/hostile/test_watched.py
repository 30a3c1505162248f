"""While something from outside is read, nothing of its choice is imported, opened, written, started or connected to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from ownmark.ownership import evidence

HERE = Path(__file__).parent
LIBRARIES = tuple(
    os.path.realpath(path)
    for path in {*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix, *sys.path, HERE.parents[1]}
    if path and path != "/"
)
SYSTEM = (
    "/proc",
    "/sys",
    "/dev/null",
    "/dev/urandom",
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/usr/lib",
    "/lib",
)


def watched(folder: Path, warm_up: list[str], command: list[str]) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if name != "OWNMARK_DATA"}
    environment["MPLCONFIGDIR"] = str(folder / "mpl")
    done = subprocess.run(
        [sys.executable, str(HERE / "watched.py"), json.dumps(warm_up), json.dumps(command)],
        capture_output=True, text=True, cwd=folder, env=environment, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def strange(found: dict[str, Any], given: list[Path], mine: list[Path] = []) -> list[tuple[str, str]]:  # noqa: B006
    """What the command did beyond reading what it was given, and writing where it may."""

    def below(path: str, places: Any) -> bool:
        real = os.path.realpath(path)
        return any(real == str(one) or real.startswith(f"{one}/") for one in map(os.path.realpath, places))

    mine = [*mine, *(one.parent / "mpl" for one in given)]
    odd = []
    for kind, what in found["seen"]:
        if kind == "import":
            bad = what.split(".")[0] in ("planted", "subprocess_trap")
        elif kind == "read":
            bad = not (
                below(what, given) or below(what, mine) or below(what, LIBRARIES) or what.startswith(SYSTEM)
            )
        elif kind in ("write", "change"):
            bad = not (below(what, mine) or what.startswith("/dev/null"))
        else:
            bad = True
        if bad:
            odd.append((kind, what))
    return odd


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """What must not be touched: a module on the path, a file, a folder."""
    (tmp_path / "planted.py").write_text("def Make(**_): pass\n")
    (tmp_path / "secret.json").write_text('{"cell": {"task": "t"}, "id": "x"}')
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["code", "dataset", "links"])
@pytest.mark.parametrize("command", ["verify", "attack"])
def test_a_folder(mark: Path, suspect: Any, outside: Path, command: str, kind: str) -> None:
    npz = {"id": "npz", "label": "npz", "params": {"path": str(outside / "secret.json")}}
    code = {"id": "module", "label": "m", "params": {"target": "planted:Make"}}
    folder = suspect(**{"code": {"host": code}, "dataset": {"dataset": npz}, "links": {}}[kind])
    if kind == "links":
        (folder / "model.json").unlink()
        (folder / "model.json").symlink_to(outside / "secret.json")
    fine = Path(shutil.copytree(mark / "released", outside / "fine"))
    tune = "finetune: {recipe: {epochs: 1}}"

    def line(of: Path, into: str) -> list[str]:
        if command == "verify":
            return ["verify", str(mark), str(of), "--device", "cpu"]
        return ["attack", str(of), tune, "--into", str(outside / into), "--device", "cpu"]

    found = watched(outside, line(fine, "first"), line(folder, "second"))
    assert found["code"] == (0 if (command, kind) == ("verify", "dataset") else 2), found["output"]
    assert found["seen"] or kind == "links"
    asked = {("change", str(outside)), ("write", str(outside))} if command == "attack" else set()
    assert (
        set(strange(found, [mark, folder])) <= asked
    )  # whether --into can be written: the folder, nothing in it
    assert not (outside / "second").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "trainer: {callbacks: ['planted:Make']}\nname: ../x\n",
        "trainer: {logger: 'planted:Make'}\nattacks: [prunee]\n",
        "colour: 1\n",
        "extractors: [{align: {inner: nothing}}]\ntrainer: {callbacks: ['planted:Make']}\n",
    ],
)
def test_a_plan_with_a_problem(outside: Path, text: str) -> None:
    task = "{dataset: {digits: {limit_train: 50}}, host: {convnet: {width: 0.25}}}"
    head = f"tasks: [{task}]\nschemes: [{{uchida: {{bits: 8}}}}]\n"
    (outside / "fine.yaml").write_text(head + "attacks: [prunee]\n")
    (outside / "plan.yaml").write_text(head + text)
    found = watched(outside, ["run", "fine.yaml", "--device", "cpu"], ["run", "plan.yaml", "--device", "cpu"])
    assert found["code"] == 2, found["output"]
    assert strange(found, [outside / "plan.yaml"]) == []
    assert not (outside / "runs").exists()


@pytest.mark.parametrize(
    "kind", ["linked records", "a linked record", "exhibits outside", "a linked report", "names"]
)
def test_a_run_folder(outside: Path, kind: str) -> None:
    def run(name: str) -> Path:
        folder = outside / name
        (folder / "records").mkdir(parents=True)
        record = {
            "id": "0" * 12, "status": "failed", "error": {"type": "E", "message": "m", "stage": "host"},
            "cell": {
                "task": "../../planted:Make", "seed": 0, "extractor": {"id": "x", "label": "x"},
                "scheme": {"id": "module", "label": "planted:Make", "params": {"target": "planted:Make"}},
                "attack": {"id": "none", "label": "none", "params": {}},
            },
            "exhibits": {"picture": "../secret.png", "other": "/etc/hostname.png"},
        }  # fmt: skip
        (folder / "records" / "000000000000.json").write_text(json.dumps(record))
        return folder

    fine, folder = run("fine"), run("run")
    (outside / "secret.png").write_bytes(b"secret")
    if kind == "linked records":
        shutil.rmtree(folder / "records")
        (outside / "elsewhere").mkdir()
        shutil.copy(fine / "records/000000000000.json", outside / "elsewhere")
        (folder / "records").symlink_to(outside / "elsewhere")
    elif kind == "a linked record":
        (folder / "records" / "111111111111.json").symlink_to(outside / "secret.json")
    elif kind == "exhibits outside":
        (folder / "exhibits").symlink_to(outside)
    elif kind == "a linked report":
        for name in ("report.md", "report.html", "results.csv", "records.jsonl"):
            (outside / f"kept-{name}").write_text("kept")
            (folder / name).symlink_to(outside / f"kept-{name}")
    found = watched(outside, ["report", str(fine)], ["report", str(folder)])
    assert found["code"] == 0, (found["output"], found["error"])
    assert strange(found, [folder], [folder]) == []
    assert all(path.read_text() == "kept" for path in outside.glob("kept-*"))
    assert b"secret" not in (folder / "report.html").read_bytes().replace(b"../secret.png", b"")


def hugging_face(folder: Path, outside: Path) -> None:
    """As `save_pretrained` leaves it, with code of somebody's."""
    (folder / "model.json").unlink()
    (folder / "config.json").write_text(json.dumps({"auto_map": {"AutoModel": "planted.Make"}}))
    (folder / "planted.py").write_text("raise SystemExit\n")


def sharded(folder: Path, outside: Path) -> None:
    """Shards that lie elsewhere."""
    (folder / "model.json").unlink()
    (folder / "model.safetensors").rename(outside / "w.safetensors")
    names = {"a": "../w.safetensors", "b": str(outside / "secret.json")}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))


def shard_links(folder: Path, outside: Path) -> None:
    """Shards that are links to elsewhere."""
    (folder / "model.json").unlink()
    (folder / "model.safetensors").rename(outside / "w.safetensors")
    (folder / "w.safetensors").symlink_to(outside / "w.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "w.safetensors"}}))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("leave", "code"),
    [(hugging_face, 0), (sharded, 2), (shard_links, 2)],
    ids=["hugging face", "sharded", "shard links"],
)
def test_a_folder_of_another_tool(mark: Path, suspect: Any, outside: Path, leave: Any, code: int) -> None:
    fine = Path(shutil.copytree(mark / "released", outside / "fine"))
    (fine / "model.json").unlink()
    folder = suspect()
    leave(folder, outside)
    warm, asked = (["verify", str(mark), str(one), "--device", "cpu"] for one in (fine, folder))
    found = watched(outside, warm, asked)
    assert found["code"] == code, found["output"]
    assert strange(found, [mark, folder]) == []


@pytest.mark.slow
@pytest.mark.parametrize("command", ["verify", "judge"])
@pytest.mark.parametrize(
    "dataset",
    [{"id": "npz", "params": {"path": "secret.json"}}, {"id": "hub", "params": {"name": "evil/data"}},
     {"id": "function", "params": {"target": "planted:Make"}}, {"id": "folder", "params": {"path": "/"}}],
    ids=lambda one: one["id"],
)  # fmt: skip
def test_a_mark_or_evidence_of_a_claimant(mark: Path, outside: Path, command: str, dataset: Any) -> None:
    forged = Path(shutil.copytree(mark, outside / "forged"))
    path = forged / "owner" / "claim.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"dataset": dataset | {"label": "x"}}))
    released = str(mark / "released")
    given = [mark, forged]
    asked = ["verify", str(forged), released, "--device", "cpu"]
    warm = ["verify", str(mark), released, "--device", "cpu"]
    if command == "judge":
        for of, into in ((mark, "p1"), (forged, "p2")):
            evidence(of, mark / "released", outside / into, device="cpu")
        warm, asked = (["judge", str(outside / into), released] for into in ("p1", "p2"))
        given = [mark, outside / "p2"]
    found = watched(outside, warm, asked)
    assert found["code"] == 0, found["output"]
    assert strange(found, given) == []


@pytest.mark.slow
def test_the_status_of_a_run_elsewhere(outside: Path) -> None:
    def run(name: str, store: str) -> Path:
        (outside / name).mkdir()
        outline = {
            "store": store,
            "plan": ["trainer: {logger: 'planted:Make'}", "p"],
            "stages": [],
            "cells": {},
        }
        (outside / name / "outline.json").write_text(json.dumps(outline))
        return outside / name

    fine, folder = run("fine", "here"), run("run", "http://127.0.0.1:9/store")
    found = watched(outside, ["status", str(fine)], ["status", str(folder)])
    assert found["code"] == 2, found["output"]
    assert strange(found, [folder]) == []
