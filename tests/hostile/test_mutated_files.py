"""JSON of strangers changed at random: records, outlines, marks, evidence. Each is used, or refused in a sentence."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.hostile.mutating import ODD, changed
from tests.hostile.test_mutated_plans import LONGEST, SEED, Hang, alarm
from tests.report.fakes import failed, record

from ownmark.discovery import Catalog, discover
from ownmark.errors import OwnmarkError, UntrustedFile
from ownmark.ownership import evidence, judge, verify
from ownmark.ownership.folder import Release
from ownmark.ownership.sums import write_sums
from ownmark.ownership.telling import told
from ownmark.report import matrix, write_report
from ownmark.runner.status import since, status


def nested(levels: int) -> Any:
    value: Any = "x"
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


STRANGE = (
    *ODD,
    *map(nested, (90, 300)),
    "\x1b[2K\rCLAIM",
    "[bold]x[/bold]",
    "[link=http://x]y[/link]",
    "[/]",
    "=1+1",
    "<script>",
    "../../x",
)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return discover()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder: three records, the plan, an outline whose store is not there."""
    folder = tmp_path_factory.mktemp("ran")
    (folder / "records").mkdir()
    made = [record(), record(attack="prune", seed=1), failed("riga", "prune")]
    for number, one in enumerate(made):
        one["id"] = f"{number:012x}"
        (folder / "records" / f"{number:012x}.json").write_text(json.dumps(one))
    cells = [{"id": one["id"], "cell": one["cell"]} for one in made]
    (folder / "plan.json").write_text(json.dumps({"plan": {"name": "p"}, "cells": cells}))
    outline = {
        "store": str(folder / "store"), "plan": ["schemes: uchida", "p.yaml"],
        "stages": [["a" * 64, "host", "a host"], ["b" * 64, "own nulls", "others"]],
        "cells": {one["id"]: ["a cell", [0, 1]] for one in made},
    }  # fmt: skip
    (folder / "outline.json").write_text(json.dumps(outline))
    return folder


@pytest.fixture(scope="module")
def proof(mark: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("proof") / "proof"
    evidence(mark, mark / "released", folder, device="cpu")
    return folder


def reported(folder: Path, catalog: Catalog) -> str:
    report = write_report(folder)
    console = Console(width=120, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(matrix(report.records, report.plan))
    return console.export_text()


def stated(folder: Path, catalog: Catalog) -> str:
    found = status(folder)
    return f"{found.cells} {found.stages} {found.seconds} {[since(one) for one in found.running]}"


def verified(folder: Path, catalog: Catalog) -> str:
    return "\n".join(told(verify(folder, folder / "released", device="cpu", catalog=catalog)))


def suspected(folder: Path, catalog: Catalog) -> str:
    return "\n".join(told(verify(folder.parent / "mine", folder / "released", device="cpu", catalog=catalog)))


def judged(folder: Path, catalog: Catalog) -> str:
    write_sums(folder)
    found = judge(folder, folder.parent / "mine" / "released", catalog=catalog)
    return "\n".join([*told(found), *map(str, found["agrees"])])


Used = tuple[str, tuple[str, ...], Callable[[Path, Catalog], str]]
USES: Mapping[str, Used] = {
    "records": ("ran", ("records/000000000000.json", "records/000000000002.json", "plan.json"), reported),
    "outlines": ("ran", ("outline.json",), stated),
    "claims": ("mark", ("owner/claim.json",), verified),
    "suspects": ("mark", ("released/model.json",), suspected),
    "evidence": ("proof", ("verdict.json", "owner/claim.json", "released/model.json"), judged),
}


def outcome(use: Callable[[Path, Catalog], str], folder: Path, catalog: Catalog) -> str:
    """`used`, `refused`, or what went wrong."""
    try:
        with alarm(LONGEST):
            text = use(folder, catalog)
    except OwnmarkError as error:
        return "refused" if str(error).strip() and len(str(error)) < 20_000 else "no sentence"
    except Hang:
        return "hang"
    except Exception as error:
        return f"traceback: {type(error).__name__}: {error}"[:300]
    return "used" if "\x1b" not in text and "\r" not in text else f"steers the terminal: {text!r}"[:300]


def counted(
    kind: str, which: range, sound: Path, mine: Path, folder: Path, catalog: Catalog
) -> dict[str, Any]:
    _, names, use = USES[kind]
    found: dict[str, Any] = {"used": 0, "refused": 0, "wrong": {}}
    shutil.copytree(mine, folder / "mine")
    for number in which:
        rng = random.Random(f"{SEED} {kind} {number}")
        place = Path(shutil.copytree(sound, folder / "strange"))
        path = place / rng.choice(names)
        path.write_text(json.dumps(changed(json.loads(path.read_text()), rng, STRANGE)))
        said = outcome(use, place, catalog)
        if said in ("used", "refused"):
            found[said] += 1
        else:
            found["wrong"][number] = f"{path.name}: {said}"
        shutil.rmtree(place)
    return found


@pytest.mark.parametrize("kind", USES)
def test_changed_files_are_used_or_refused(
    kind: str, request: pytest.FixtureRequest, mark: Path, tmp_path: Path, catalog: Catalog
) -> None:
    few = 8 if kind == "records" else 25  # whose pictures are drawn
    found = counted(kind, range(few), request.getfixturevalue(USES[kind][0]), mark, tmp_path, catalog)
    assert not found["wrong"]
    assert found["refused" if kind != "records" else "used"] > 5


@pytest.mark.slow
@pytest.mark.parametrize("kind", USES)
def test_many_changed_files_are_used_or_refused(
    kind: str, request: pytest.FixtureRequest, mark: Path, tmp_path: Path, catalog: Catalog
) -> None:
    number = int(os.environ.get("OWNMARK_MUTATIONS", "500"))
    found = counted(kind, range(number), request.getfixturevalue(USES[kind][0]), mark, tmp_path, catalog)
    print(kind, found)
    assert not found["wrong"]


@pytest.mark.parametrize("instead", [0, [], "", False, {}])
@pytest.mark.parametrize("name", ["layers", "dataset"])
def test_what_says_nothing_is_no_way_to_leave_a_method_out(
    name: str, instead: object, mark: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(mark / "released", tmp_path / "released"))
    about = json.loads((folder / "model.json").read_text())
    assert about[name] is None
    (folder / "model.json").write_text(json.dumps(about | {name: instead}))
    with pytest.raises(UntrustedFile, match=r"model\.json: incomplete or altered"):
        Release.read(folder)
