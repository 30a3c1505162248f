"""A pack of every kind of method, written for ownmark 0.1, still works, or is told what to change."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from importlib_metadata import EntryPoint, entry_points

from ownmark.discovery import Catalog, discover
from ownmark.errors import UntrustedFile
from ownmark.hookspecs import GROUP
from ownmark.methods import Declaration, Kind
from ownmark.ownership import attack, embed, verify
from ownmark.runner import Finished, run
from ownmark.testing import checks_for, run_check
from ownmark.testing.check import REGISTRY
from ownmark.testing.checks.versions import ASK, LOGITS, RESTORE
from ownmark.testing.suite import row_of

TOP = Path(__file__).resolve().parents[2]
PACK = TOP / "tests" / "fixtures" / "v0.1" / "pack"
CHECK = "method-is-written-for-todays-contracts"
TOLD = {
    "old_signs": RESTORE, "old_extra": RESTORE, "old_twice": RESTORE, "old_peek": ASK, "old_doubt": LOGITS,
}  # fmt: skip
"""Methods that the kit has something to say of, and what."""
METHODS = [
    "old_signs", "old_noise", "old_scale", "old_tune", "old_extra", "old_twice", "old_round", "old_peek", "old_doubt",
    "old_bars", "old_mlp", "old-plan",
]  # fmt: skip


@pytest.fixture(scope="module")
def catalog() -> Iterator[Catalog]:
    """Everything installed, and the old pack."""
    sys.path.insert(0, str(PACK))
    old = EntryPoint(name="vintage", value="vintage_marks", group=GROUP)
    yield discover([*entry_points(group=GROUP), old], disabled=())
    sys.path.remove(str(PACK))


def old(catalog: Catalog, id: str) -> list[Declaration]:
    return [m for m in catalog.methods if m.distribution == "vintage-marks" and m.id == id]


def test_it_loads_with_a_method_of_every_kind(catalog: Catalog) -> None:
    assert [str(one) for one in catalog.problems if one.distribution == "vintage-marks"] == []
    found = [method for method in catalog.methods if method.distribution == "vintage-marks"]
    assert {method.kind for method in found} == set(Kind)
    assert {method.id for method in found} == set(METHODS)


# --- in plans -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("vintage")
    return run("old-plan", out=folder / "run", store=folder / "store", device="cpu", catalog=catalog)


def by_attack(finished: Finished, scheme: str) -> Mapping[str, Mapping[str, Any]]:
    return {
        (r["cell"]["attack"] or {"label": "none"})["label"]: r
        for r in finished.records
        if r["cell"]["scheme"]["label"] == scheme
    }


def test_its_plan_runs_without_an_error(finished: Finished) -> None:
    import vintage_marks  # type: ignore[import-not-found]

    assert [record["error"] for record in finished.failed] == []
    assert len(finished.records) == 9
    assert {record["id"] for record in finished.records} <= set(vintage_marks.HEARD)


@pytest.mark.parametrize("attack", ["none", "old_scale", "old_extra", "old_twice"])
def test_marks_behind_layers_of_its_own_are_restored_and_read(attack: str, finished: Finished) -> None:
    record = by_attack(finished, "old_signs")[attack]
    assert (record["evidence"]["hits"], record["evidence"]["n"]) == (16, 16)
    assert record["utility"]["suspect"] > 0.9


def test_fronts_images_and_metrics_are_what_they_were(finished: Finished) -> None:
    records = by_attack(finished, "old_noise")
    assert records["none"]["evidence"]["hits"] == 6
    assert records["old_tune"]["exhibits"]["images"] == 24  # a tenth of the owner's 240
    assert 0 <= records["old_round"]["metrics"]["old_doubt"]["value"] < 0.5


def test_an_attack_that_holds_what_it_only_asks_for_is_told(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        "tasks: [{dataset: old_bars, host: old_mlp}]\nschemes: [old_signs]\nattacks: [old_peek]\n"
        "verdict: {null_models: 1, keys: 2}\n"
    )
    done = run(tmp_path / "p.yaml", out=tmp_path / "r", store=tmp_path / "s", device="cpu", catalog=catalog)
    (record,) = done.failed
    assert "granted answers, not weights" in record["error"]["message"]
    assert "stolen.box" in record["error"]["message"]


def test_its_mark_is_embedded_attacked_and_claimed(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        "tasks: [{dataset: old_bars, host: old_mlp}]\nschemes: [{old_signs: {bits: 48}}]\n"
        "verdict: {null_models: 2, keys: 4}\n"
    )
    embed(tmp_path / "p.yaml", tmp_path / "mark", device="cpu", catalog=catalog)
    suspects = [tmp_path / "mark" / "released"]
    for number, name in enumerate(
        ("old_twice", "old_scale", "old_extra", "old_round")
    ):  # one after the other
        suspects.append(tmp_path / f"stolen {number}")
        attack(suspects[-2], name, suspects[-1], device="cpu", catalog=catalog)
    for suspect in suspects:
        found = verify(tmp_path / "mark", suspect, device="cpu", catalog=catalog)
        assert found["claim"]
        assert found["hits"] == 48


@pytest.mark.parametrize("change", ["classes", "steps", "link"])
def test_a_beginning_that_is_not_the_suspects_is_refused(
    change: str, catalog: Catalog, tmp_path: Path
) -> None:
    (tmp_path / "p.yaml").write_text(
        "tasks: [{dataset: old_bars, host: {old_mlp: {recipe: {epochs: 2}}}}]\nschemes: [{old_signs: {bits: 8}}]\n"
        "verdict: {null_models: 1, keys: 2}\n"
    )
    embed(tmp_path / "p.yaml", tmp_path / "mark", device="cpu", catalog=catalog, max_loss=1.0)
    stolen = tmp_path / "stolen"
    attack(tmp_path / "mark" / "released", "old_extra", stolen, device="cpu", catalog=catalog)
    about = json.loads((stolen / "start" / "model.json").read_text())
    if change == "link":
        (stolen / "start").rename(tmp_path / "elsewhere")
        (stolen / "start").symlink_to(tmp_path / "elsewhere")
    elif change == "classes":
        (stolen / "start" / "model.json").write_text(json.dumps(about | {"classes": 4}))
    else:
        steps = [{"attack": {"id": "vintage-marks/old_scale", "params": {}, "label": "x"}, "seed": 0}]
        (stolen / "start" / "model.json").write_text(json.dumps(about | {"steps": steps}))
    with pytest.raises(UntrustedFile, match="start: is not what the network of"):
        verify(tmp_path / "mark", stolen, device="cpu", catalog=catalog)


# --- in the kit -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", METHODS)
def test_the_kit_finds_nothing_else_to_say(id: str, catalog: Catalog) -> None:
    for method in old(catalog, id):
        for check in (check for check in checks_for(method) if not check.thorough):
            row = row_of(check, method, catalog)
            if id == "old_peek" and row.failed:
                assert "stolen.box" in row.message or "granted answers" in row.message, row
            else:
                assert not row.failed, row


@pytest.mark.parametrize("id", [id for id in METHODS if id != "old-plan"])
def test_what_works_for_now_is_told_in_a_sentence_and_nothing_else_is(id: str, catalog: Catalog) -> None:
    for method in old(catalog, id):
        if method.kind not in (Kind.SCHEME, Kind.ATTACK, Kind.METRIC):
            continue
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            run_check(REGISTRY[CHECK], method, catalog)
        said = [str(one.message) for one in heard if one.category is DeprecationWarning]
        assert [TOLD[id] in one and "declare api=2" in one for one in said] == ([True] if id in TOLD else [])


def test_the_command_shows_the_sentence_beside_a_check_that_is_passed(catalog: Catalog) -> None:
    (method,) = old(catalog, "old_extra")
    row = row_of(REGISTRY[CHECK], method, catalog)
    assert (row.outcome, RESTORE in row.message) == ("passed", True)


@pytest.mark.parametrize("sentence", [RESTORE, ASK, LOGITS])
def test_contributing_has_the_same_sentences(sentence: str) -> None:
    table = (TOP / "CONTRIBUTING.md").read_text().partition("| API |")[2].partition("\n\n")[0]
    assert sentence in table
