"""`status`, `why` and `store`: what a run is at, why a stage is computed anew, and what a store holds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ownmark.cli import main
from ownmark.runner import keeping
from ownmark.runner.store import Contents, Store, StoredEntry


def ask(*command: str) -> Result:
    return CliRunner().invoke(main, list(command), catch_exceptions=False)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):  # type: ignore[no-untyped-def]
    """A finished run."""
    from ownmark.runner import run

    folder = tmp_path_factory.mktemp("kept")
    task = (
        "tasks: [{dataset: {digits: {limit_train: 100, limit_test: 40}}, "
        "host: {convnet: {width: 0.25, recipe: {epochs: 1}}}}]\nverdict: {null_models: 1, keys: 2}\n"
    )
    for name, bits in (("kept", 8), ("other", 9)):
        text = f"schemes: [{{uchida: {{bits: {bits}}}}}]\nattacks: [none, prune]\n"
        (folder / f"{name}.yaml").write_text(task + text)
    run(folder / "kept.yaml", out=folder / "run", store=folder / "store", device="cpu")
    return folder


def test_status_of_a_finished_run(ran: Path) -> None:
    found = ask("status", str(ran / "run"))
    assert found.exit_code == 0
    assert "2 of 2 cells have a record" in found.output
    assert "host       2/2" in found.output
    assert "nothing is being computed" in found.output


def test_status_of_a_run_that_goes_on(ran: Path, tmp_path: Path) -> None:
    """One stage gone and claimed, one record not yet written."""
    outline = json.loads((ran / "run" / "outline.json").read_text())
    run, store = tmp_path / "run", tmp_path / "store"
    run.mkdir()
    shutil.copytree(ran / "store", store)
    (run / "outline.json").write_text(json.dumps(outline | {"store": str(store)}))
    digest, kind, label = next(one for one in outline["stages"] if one[1] == "attacked")
    held = Store(store)
    held.discard(kind, digest)
    claim = held.claim(kind, digest, label)
    assert claim is not None
    with claim:
        found = ask("status", str(run))
    assert "0 of 2 cells" in found.output
    assert "attacked   0/1" in found.output
    assert f"attacked {label}" in found.output
    assert "left" in found.output


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"store": 1}'])
def test_status_of_what_is_no_run(tmp_path: Path, text: str) -> None:
    if text:
        (tmp_path / "outline.json").write_text(text)
    found = ask("status", str(tmp_path))
    assert found.exit_code == 2
    assert "outline.json" in found.output


def test_why_names_the_input_that_differs(ran: Path) -> None:
    record = next((ran / "run" / "records").glob("*.json")).stem
    found = ask("why", record, "--plan", str(ran / "kept.yaml"), "--store", str(ran / "store"))
    assert found.exit_code == 0
    assert "stored" in found.output
    assert "nothing" not in found.output
    from ownmark.runner.cell import expand
    from ownmark.runner.plan import read_plan

    cell = expand(read_plan(ran / "other.yaml")[0])[0]
    found = ask("why", cell.id, "--plan", str(ran / "other.yaml"), "--store", str(ran / "store"))
    assert "scheme.params.bits (8, now 9)" in found.output
    assert found.output.count(": stored") >= 2, "host and null model are the same"
    found = ask("why", "ffffffffffff", "--plan", str(ran / "other.yaml"), "--store", str(ran / "store"))
    assert found.exit_code == 2
    assert "no cell" in found.output


def test_looking_at_a_plan_makes_no_run_folder(
    ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").write_text("nothing can be made here")
    record, store = next((ran / "run" / "records").glob("*.json")).stem, str(ran / "store")
    assert ask("why", record, "--plan", str(ran / "kept.yaml"), "--store", store).exit_code == 0
    found = ask("store", "prune", "--dry-run", "--keep", str(ran / "kept.yaml"), "--store", store)
    assert (found.exit_code, found.output.splitlines()[-1][:9]) == (0, "0 entries")


def test_store_is_listed_measured_verified_and_pruned(ran: Path) -> None:
    store = str(ran / "store")
    before = ask("store", "list", "--store", store).output.splitlines()
    assert len(before) == len(list((ran / "store").glob("*/*/*")))
    assert ask("store", "list", "marked", "--store", store).output.count("\n") == 1
    assert f"{len(before)} entries" in ask("store", "size", "--store", store).output
    assert ask("store", "verify", "--store", store).exit_code == 0
    keep = ("--keep", str(ran / "other.yaml"), "--store", store)
    assert "would be removed" in ask("store", "prune", "--dry-run", *keep).output
    assert ask("store", "list", "--store", store).output.splitlines() == before
    assert ask("store", "prune", "--store", store).exit_code == 2, "no plan to keep is no wish to remove all"
    both = ("--keep", str(ran / "kept.yaml"), str(ran / "other.yaml"))
    assert "0 entries" in ask("store", "prune", *both, "--store", store).output
    assert "removed" in ask("store", "prune", *keep).output
    after = ask("store", "list", "--store", store).output
    assert "marked" not in after
    assert after.count("host ") == 2
    values = next((ran / "store" / "host").glob("*/*/values.json"))
    values.write_text("{}")
    found = ask("store", "verify", "--store", store)
    assert found.exit_code == 1
    assert "does not match its checksum" in found.output


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    for command in (("list",), ("size",), ("verify",)):
        found = ask("store", *command, "--store", str(tmp_path / "none"))
        assert found.exit_code == 2
        assert not (tmp_path / "none").exists()


def test_entries_that_another_process_removes_meanwhile_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "store")
    for i in range(3):
        store.write("host", f"{i:064d}", Contents({"i": i}), {"label": str(i)})
    kept, read = keeping._kept, Store.read

    def pruned(path: Path) -> keeping.Kept:
        if path.name.endswith("1"):
            store.discard("host", path.name)
        return kept(path)

    def pruned_later(store: Store, stage: str, digest: str) -> StoredEntry:
        store.discard(stage, digest)
        return read(store, stage, digest)

    monkeypatch.setattr(keeping, "_kept", pruned)
    found = ask("store", "list", "--store", str(store.root))
    assert found.exit_code == 0
    assert len(found.output.splitlines()) == 2
    monkeypatch.setattr(Store, "read", pruned_later)
    assert ask("store", "verify", "--store", str(store.root)).exit_code == 0
