"""Whole runs of tiny plans: what is shared, what is computed again, what a record holds."""

from __future__ import annotations

import gc
import json
import math
import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from matplotlib.image import imread

from ownmark.errors import Unwritable
from ownmark.runner import Finished, run
from ownmark.scratch import HOST, hidden_of, scratch_of

PLAN = """
schemes: [{uchida: {bits: 16}}, {content: {keys: 10}}]
attacks: [none, prune, {finetune: {recipe: {epochs: 1}}}]
"""
SIGNS = "schemes: [{signs: {bits: 24}}]\n"
Cut = Callable[[Mapping[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def first(shared) -> tuple[Finished, Counter[str]]:  # type: ignore[no-untyped-def]
    """The plan's first run, with the number of stages of each kind."""
    return shared.run(PLAN), shared.progress.counts


def one(finished: Finished) -> Mapping[str, Any]:
    (record,) = finished.records
    return record


def ok(finished: Finished) -> tuple[Mapping[str, Any], ...]:
    assert [record["error"]["traceback"] for record in finished.failed] == []
    return finished.records


# --- sharing ----------------------------------------------------------------------------------------------------------


def test_attacks_share_marked_networks_and_schemes_share_null_models(
    first: tuple[Finished, Counter[str]],
) -> None:
    finished, counts = first
    assert len(ok(finished)) == 6
    assert counts == {
        "host": 3, "marked": 2, "attacked": 4, "utility": 1 + 2 + 4, "evidence": 6, "threshold": 2, "judged": 6,
        "own nulls": 2, "decoys": 6,
    }  # fmt: skip


def test_a_second_run_computes_nothing_and_gives_the_same_records(
    first: tuple[Finished, Counter[str]], shared, without_times: Cut
) -> None:  # type: ignore[no-untyped-def]
    before = shared.journal()
    again = shared.run(PLAN)
    assert shared.progress.stages == []
    assert shared.progress.planned == {}
    assert shared.journal() == before
    assert json.dumps(again.records, sort_keys=True) == json.dumps(first[0].records, sort_keys=True)


def test_the_plan_foretells_exactly_the_stages_it_computes(workshop) -> None:  # type: ignore[no-untyped-def]
    workshop.run(SIGNS + "attacks: prune\n")
    assert set(workshop.progress.planned) == set(workshop.progress.digests)
    assert Counter(workshop.progress.planned.values()) == workshop.progress.counts


def test_records_do_not_depend_on_the_store_being_empty_or_on_the_global_random_state(
    first: tuple[Finished, Counter[str]], workshop, without_times: Cut
) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(123)
    fresh = workshop.run(PLAN)
    assert [without_times(record) for record in fresh.records] == [without_times(r) for r in first[0].records]


def test_changing_one_attack_computes_only_its_cells_again(
    first: tuple[Finished, Counter[str]], shared
) -> None:  # type: ignore[no-untyped-def]
    changed = shared.run(PLAN.replace("prune,", "{prune: {sparsity: 0.5}},"), name="changed")
    assert len(ok(changed)) == 6
    assert shared.progress.counts == {"attacked": 2, "utility": 2, "evidence": 2, "decoys": 2, "judged": 2}
    assert all("prune" in label for _, label in shared.progress.stages)


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ("removal: {kind: absolute, amount: 0.05}\n", set()),
        ("metrics: [accuracy]\n", {"judged"}),
        ("verdict: {null_models: 2, keys: 2}\n", {"threshold", "judged"}),
        ("verdict: {null_models: 3, keys: 3}\n", {"host", "threshold", "own nulls", "judged"}),
        ("attacker: {labels: false}\n", {"attacked", "utility", "evidence", "decoys", "judged"}),
    ],
    ids=["removal", "metrics", "keys", "null models", "attacker"],
)
def test_a_changed_line_computes_again_what_depends_on_it(
    change: str, again: set[str], first: tuple[Finished, Counter[str]], shared
) -> None:  # type: ignore[no-untyped-def]
    name = change.partition(":")[0]
    task = "".join(line for line in shared.task.splitlines(True) if not line.startswith(name))
    ok(shared.run(PLAN + change, name=name, task=task))
    assert set(shared.progress.counts) == again


def test_a_damaged_entry_is_noted_and_computed_again_to_the_same_record(workshop, without_times: Cut) -> None:  # type: ignore[no-untyped-def]
    before = one(workshop.run(SIGNS))
    (weights,) = workshop.store.glob("marked/*/*/network.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    after = one(workshop.run(SIGNS))
    assert workshop.progress.counts == {"marked": 1}
    assert "does not match its checksum" in workshop.progress.notes[0]
    assert without_times(after) == without_times(before)


def test_an_attack_that_may_use_images_is_attacked_anew_when_it_is_given_others(workshop) -> None:  # type: ignore[no-untyped-def]
    attacks = """attacks:
  - {takes: , as: nothing, given: {data: none}}
  - {takes: , as: some, given: {data: 7, labels: false}}
  - {takes: , as: all}
  - {wraps: {inner: takes}, as: wrapped, given: {data: 5}}
"""
    records = ok(workshop.run(SIGNS + attacks))
    assert [(r["exhibits"]["images"], r["exhibits"]["labelled"]) for r in records] == [
        (0, 0),
        (7, 0),
        (50, 1),
        (5, 1),
    ]
    assert [record["granted"]["data"] for record in records] == [0, 7, 50, 5]
    assert [record["granted"]["labels"] for record in records] == [False, False, True, True]


def test_transfer_images_arrive_in_the_tasks_shape(workshop) -> None:  # type: ignore[no-untyped-def]
    plan = SIGNS + "attacks: [{takes: , given: {data: none, transfer: 12}}]\ntransfer: {digits: {size: 16}}\n"
    record = one(workshop.run(plan))
    assert (record["exhibits"]["images"], record["exhibits"]["transfer"], record["exhibits"]["channels"]) == (
        0,
        12,
        1,
    )


# --- failures ---------------------------------------------------------------------------------------------------------


def test_a_failing_attack_is_recorded_while_the_others_go_on(workshop) -> None:  # type: ignore[no-untyped-def]
    finished = workshop.run(SIGNS + "attacks: [breaks, none, {wraps: {inner: breaks}}, prune]\n")
    assert [record["status"] for record in finished.records] == ["failed", "ok", "failed", "ok"]
    error = finished.failed[0]["error"]
    assert (error["type"], error["stage"]) == ("RuntimeError", "attacked")
    assert error["message"] == "acme broke on Convolutional"
    assert "attacks.py" in error["traceback"]
    assert 'raise RuntimeError(f"acme broke' in error["traceback"]
    written = [
        json.loads((finished.folder / "records" / f"{r['id']}.json").read_text()) for r in finished.records
    ]
    assert written == list(finished.records)


def test_a_failed_cell_is_tried_again_by_the_next_run(workshop) -> None:  # type: ignore[no-untyped-def]
    for _ in range(2):
        assert len(workshop.run(SIGNS + "attacks: breaks\n").failed) == 1
        assert ("attacked", "digits/convnet signs breaks seed 0") in workshop.progress.stages


def test_the_networks_of_a_failed_cell_are_let_go_before_the_next(
    workshop, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    """Else one cell that ran out of a GPU's memory takes all that follow with it."""
    from trial_marks.attacks import Breaks

    held = []

    def look(self: Any, record: Mapping[str, Any]) -> None:
        gc.collect()
        held.append(Breaks.network() is not None)

    monkeypatch.setattr(type(workshop.progress), "cell", look)
    workshop.run(SIGNS + "attacks: [breaks, {wraps: {inner: breaks}}]\n")
    assert held == [False, False]


def test_a_failed_record_says_all_that_is_known_of_the_cell(workshop) -> None:  # type: ignore[no-untyped-def]
    failed = one(workshop.run(SIGNS + "attacks: breaks\n"))
    assert set(failed) == {
        "id",
        "plan",
        "cell",
        "granted",
        "notes",
        "reported",
        "provenance",
        "status",
        "error",
    }
    assert set(failed["error"]) == {"type", "message", "traceback", "stage"}


def test_a_full_disk_while_storing_stops_the_run_and_does_no_damage(
    workshop, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    from ownmark.runner import store

    def full(path: Path, *rest: Any) -> None:
        if path.name == "network.safetensors":
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store, "write_tensors", full)
        with pytest.raises(Unwritable, match=r"No space left on device.*make room"):
            workshop.run(SIGNS)
    assert not list(workshop.store.rglob("*.json"))
    assert one(workshop.run(SIGNS))["status"] == "ok"


# --- records ----------------------------------------------------------------------------------------------------------


def test_a_record_has_every_field_and_is_strict_json(first: tuple[Finished, Counter[str]], shared) -> None:  # type: ignore[no-untyped-def]
    for record in first[0].records:
        assert set(record) == {
            "id", "plan", "cell", "granted", "reported", "provenance", "status", "utility", "metrics", "evidence",
            "evidence_bare", "measured", "verdict", "removal", "cost", "exhibits", "notes",
        }  # fmt: skip
        assert set(record["cell"]) == {"task", "dataset", "host", "scheme", "attack", "seed", "extractor"}
        assert set(record["utility"]) == {
            "metric",
            "higher_is_better",
            "host",
            "marked",
            "suspect",
            "n",
            "interval",
        }
        assert set(record["evidence"]) == {"access", "hits", "n", "rate", "symbol", "chance", "extras"}
        assert {"claim", "p_value", "theta", "hits_needed", "stated_rate", "rule", "rescaled"} <= set(
            record["verdict"]
        )
        assert set(record["removal"]) == {"outcome", "utility_survives", "criterion"}
        assert {"torch", "python", "device", "ownmark", "methods"} <= set(record["provenance"])
        assert record["provenance"]["device"] == "cpu"
        text = (first[0].folder / "records" / f"{record['id']}.json").read_text()
        assert json.loads(text, parse_constant=pytest.fail) == record


def test_rates_of_a_record_agree_with_their_counts(first: tuple[Finished, Counter[str]]) -> None:
    for record in first[0].records:
        evidence, verdict = record["evidence"], record["verdict"]
        assert evidence["rate"] == evidence["hits"] / evidence["n"]
        assert verdict["claim"] == (evidence["hits"] >= verdict["hits_needed"])
        assert record["utility"]["n"] == 60
        low, high = record["utility"]["interval"]
        assert low <= record["utility"]["suspect"] <= high
        for measured in record["measured"].values():
            assert measured["value"] == measured["hits"] / measured["n"]


def test_access_and_costs_follow_the_method(first: tuple[Finished, Counter[str]]) -> None:
    by = {(r["cell"]["scheme"]["id"], r["cell"]["attack"]["id"]): r for r in first[0].records}
    assert by["uchida", "none"]["evidence"]["access"] == "white-box"
    assert by["uchida", "none"]["cost"]["queries"] == 0
    assert by["content", "none"]["evidence"]["access"] == "black-box"
    assert by["content", "none"]["cost"]["queries"] == 10
    assert by["content", "finetune"]["cost"]["samples_seen"] == 50
    assert by["content", "prune"]["cost"]["samples_seen"] == 0
    assert by["uchida", "none"]["cost"]["samples_embedding"] == 200
    assert by["uchida", "none"]["removal"]["outcome"] in ("unattacked", "never-marked")
    assert by["uchida", "none"]["granted"] is None
    nothing = {
        "data": 0, "labels": False, "transfer": 0, "source": "disjoint", "access": "weights", "queries": None,
        "copies": 1,
    }  # fmt: skip
    assert by["uchida", "prune"]["granted"] == nothing, "pruning asks for no images and is given none"
    held = dict(by["uchida", "finetune"]["granted"])
    assert len(held.pop("positions")) == 64
    assert held == nothing | {"data": 50, "labels": True}
    same = {
        record["granted"].get("positions")
        for record in first[0].records
        if record["cell"]["attack"]["id"] == "finetune"
    }
    assert len(same) == 1, "attackers of one seed hold the same images"


def test_a_mark_that_is_there_is_read_and_claimed(workshop) -> None:  # type: ignore[no-untyped-def]
    record = one(workshop.run(SIGNS))
    assert (record["evidence"]["hits"], record["evidence"]["n"]) == (24, 24)
    assert record["verdict"]["p_value"] == pytest.approx(2.0**-24)
    assert record["verdict"]["claim"] is True
    assert record["removal"]["outcome"] == "unattacked"
    assert record["evidence"]["extras"] == {"nan": None}


def test_papers_figures_stand_beside_the_cells_they_are_about(workshop) -> None:  # type: ignore[no-untyped-def]
    plan = SIGNS.replace("signs:", "trial-marks/signs:") + "attacks: [none, shift, prune]\n"
    figures = [[figure["value"] for figure in record["reported"]] for record in ok(workshop.run(plan))]
    assert figures == [[1.0], [0.5], []]
    plan += "figures: all\n"
    figures = [[figure["value"] for figure in record["reported"]] for record in ok(workshop.run(plan))]
    assert figures == [[1.0], [0.5, 0.6], []]


def test_figures_for_a_point_of_a_sweep_go_before_those_of_the_method(workshop) -> None:  # type: ignore[no-untyped-def]
    plan = SIGNS + (
        "attacks:\n  - {prune: , as: later, sweep: {sparsity: [0.5, 0.8]}}\n"
        "  - {finetune: {recipe: {epochs: 1}}, sweep: {labels: [granted, predicted]}}\nfigures: all\n"
    )
    figures = [[figure["value"] for figure in record["reported"]] for record in ok(workshop.run(plan))]
    assert figures == [[0.4], [], [0.3], [0.2]]


def test_a_methods_figure_is_for_its_default_and_the_schemes_own_reader(workshop) -> None:  # type: ignore[no-untyped-def]
    plan = SIGNS + (
        "attacks:\n  - {finetune: {recipe: {epochs: 1}}, sweep: {labels: [granted, predicted]}, as: tuned}\n"
        "extractors: [default, answers]\nfigures: all\n"
    )
    figures = {
        (record["cell"]["attack"]["label"], record["cell"]["extractor"]["default"]): record["reported"]
        for record in ok(workshop.run(plan))
    }
    assert [bool(figures[f"tuned(labels={labels})", True]) for labels in ("granted", "predicted")] == [
        True,
        False,
    ]
    assert not any(found for (_, own), found in figures.items() if not own)


def test_a_query_time_attack_is_read_through_its_front_and_bare(workshop) -> None:  # type: ignore[no-untyped-def]
    plan = SIGNS + "attacks: [none, shift]\nextractors: [default, answers]\n"
    task = workshop.task.replace("epochs: 1", "epochs: 8, batch_size: 25")
    plain, plain_answers, white, black = ok(workshop.run(plan, task=task))
    assert white["evidence"]["access"] == "white-box"
    assert white["evidence_bare"] is None
    assert black["evidence_bare"]["access"] == "black-box"
    assert black["evidence_bare"]["hits"] == plain_answers["evidence"]["hits"]
    assert plain_answers["evidence_bare"] is None
    assert white["utility"]["marked"] == plain["utility"]["suspect"]
    assert black["metrics"]["relative_weight_distance"]["value"] == 0
    assert black["metrics"]["agreement"]["value"] < plain["metrics"]["agreement"]["value"]


def test_what_an_extractor_shows_is_also_shown_as_the_front_sees_it(workshop) -> None:  # type: ignore[no-untyped-def]
    finished = workshop.run(SIGNS + "attacks: [none, shift]\nextractors: [answers]\n")
    plain, turned = ok(finished)
    assert "ramp" in plain["exhibits"]
    assert "ramp, as served" not in plain["exhibits"]
    sent, seen = (imread(finished.folder / turned["exhibits"][name]) for name in ("ramp", "ramp, as served"))
    assert (sent[::-1] == seen).all()
    assert not (sent == seen).all()
    assert "square, as served" not in turned["exhibits"]


def test_exhibits_are_values_or_pictures_and_a_bad_picture_costs_no_result(workshop) -> None:  # type: ignore[no-untyped-def]
    finished = workshop.run(SIGNS)
    exhibits = one(finished)["exhibits"]
    assert (exhibits["note"], exhibits["share"]) == ("written", 0.5)
    assert (finished.folder / exhibits["first"]).read_bytes().startswith(b"\x89PNG")
    assert "flat" not in exhibits
    assert "exhibit 'flat'" in workshop.progress.notes[0]


def test_metrics_go_by_their_labels_and_an_undefined_one_is_null(workshop) -> None:  # type: ignore[no-untyped-def]
    plan = (
        SIGNS + "metrics: [rescaled_accuracy, {rescaled_accuracy: {theta_prime: 0.25}, as: low}, undefined]\n"
    )
    metrics = one(workshop.run(plan))["metrics"]
    assert set(metrics) == {"rescaled_accuracy", "low", "undefined"}
    assert metrics["undefined"]["value"] is None
    assert metrics["low"]["value"] == metrics["rescaled_accuracy"]["value"] == 1


# --- grids ------------------------------------------------------------------------------------------------------------


def test_a_sweep_is_a_cell_for_each_of_its_points(workshop) -> None:  # type: ignore[no-untyped-def]
    records = ok(workshop.run(SIGNS + "attacks: [{prune: , sweep: {sparsity: [0, 0.5, 0.99]}}]\n"))
    assert [r["cell"]["attack"]["label"] for r in records] == [
        "prune(sparsity=0)", "prune(sparsity=0.5)", "prune(sparsity=0.99)",
    ]  # fmt: skip
    assert [r["cell"]["attack"]["params"] for r in records] == [{"sparsity": s} for s in (0, 0.5, 0.99)]
    distances = [r["metrics"]["relative_weight_distance"]["value"] for r in records]
    assert distances == sorted(distances)
    assert records[0]["evidence"]["hits"] == 24


def test_seeds_share_null_models_and_nothing_else(workshop) -> None:  # type: ignore[no-untyped-def]
    records = ok(workshop.run(SIGNS + "attacks: [none, stray]\nseeds: [0, 1]\n"))
    assert workshop.progress.counts["host"] == 2 + 2
    assert workshop.progress.counts["marked"] == 2
    assert workshop.progress.counts["threshold"] == 1
    hosts = [record["utility"]["host"] for record in records]
    assert hosts[0] == hosts[1]
    assert hosts[2] == hosts[3]
    keys = [path.read_bytes() for path in workshop.store.glob("marked/*/*/key.safetensors")]
    assert len(set(keys)) == 2


def test_a_method_that_draws_from_the_global_generator_is_repeatable_all_the_same(
    workshop, tmp_path: Path, without_times: Cut
) -> None:  # type: ignore[no-untyped-def]
    plan, found = workshop.write(SIGNS + "attacks: stray\n"), []
    for stray in range(2):
        torch.manual_seed(stray)
        folder = tmp_path / str(stray)
        found.append(
            run(
                plan, out=folder / "out", store=folder / "store", device="cpu", catalog=workshop.catalog
            ).records
        )
    assert without_times(found[0][0]) == without_times(found[1][0])
    assert math.isfinite(found[0][0]["exhibits"]["draw"])


# --- the user's Lightning objects, folders, observers -----------------------------------------------------------------


def test_the_users_callback_and_logger_watch_every_training(workshop) -> None:  # type: ignore[no-untyped-def]
    folder = workshop.folder
    trainer = (
        f"trainer:\n  callbacks: {{trial_marks.watching:Watch: {{path: {folder}/steps}}}}\n"
        f"  logger: {{pytorch_lightning.loggers:CSVLogger: {{save_dir: {folder}, name: logs}}}}\n"
    )
    ok(workshop.run(SIGNS + "attacks: [{finetune: {recipe: {epochs: 2}}}]\n" + trainer))
    steps = (folder / "steps").read_text().split()
    assert steps == ["4", "2", "1", "2"], "a host on 200 images, null models on 100 and 50, an attack on 50"
    logs = [path.read_text().split() for path in sorted((folder / "logs").glob("*/metrics.csv"))]
    assert len(logs) == 4
    assert all("loss" in log[0] and len(log) >= 2 for log in logs)


def test_a_callback_may_change_a_training_so_it_is_part_of_what_is_stored(workshop) -> None:  # type: ignore[no-untyped-def]
    workshop.run(SIGNS)
    trainer = f"trainer: {{callbacks: {{trial_marks.watching:Watch: {{path: {workshop.folder}/steps}}}}}}\n"
    workshop.run(SIGNS + trainer)
    assert workshop.progress.counts["host"] == 3
    workshop.run(SIGNS + "trainer: {logger: {pytorch_lightning.loggers:CSVLogger: {save_dir: .}}}\n")
    assert workshop.progress.stages == [], "a logger only watches"


def test_records_that_the_plan_no_longer_has_are_removed_and_nothing_else(workshop) -> None:  # type: ignore[no-untyped-def]
    workshop.run(SIGNS + "attacks: [none, prune]\n")
    folder = workshop.folder / "tiny"
    for name in ("records/mine.txt", "notes.tmp"):
        (folder / name).write_text("mine")
    (folder / "plan.json.123.tmp").write_text("half")
    dead = str(hidden_of(folder / "mark")).replace(f".{os.getpid()}-{HOST}", f".{2**22 + 1}-{HOST}")
    Path(dead, "owner").mkdir(parents=True)  # of an `embed` into this folder
    finished = workshop.run(SIGNS + "attacks: [prune]\n")
    names = {path.name for path in (folder / "records").iterdir()}
    assert names == {f"{one(finished)['id']}.json", "mine.txt"}
    assert (folder / "notes.tmp").exists()
    assert not (folder / "plan.json.123.tmp").exists()
    assert not Path(dead).exists()


def test_another_run_on_the_same_folder_is_left_alone(workshop, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    """Files that it is writing at this moment stay, and what both want to remove may be gone already."""
    workshop.run(SIGNS + "attacks: [none, prune]\n")
    folder = workshop.folder / "tiny"
    writing = [
        scratch_of(folder / name) for name in ("theirs.json", "records/0123456789ab.json", "exhibits/x.png")
    ]
    (folder / "exhibits").mkdir(exist_ok=True)
    for path in (*writing, folder / "exhibits" / "old.png", folder / "plan.json.123.tmp"):
        path.write_text("half")
    unlink, removed = Path.unlink, []

    def overtaken(path: Path, missing_ok: bool = False) -> None:
        removed.append(path.name)
        unlink(path, missing_ok=True)
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", overtaken)
    ok(workshop.run(SIGNS + "attacks: [prune]\n"))
    assert {"old.png", "plan.json.123.tmp"} < set(removed)
    assert all(path.read_text() == "half" for path in writing)


def test_the_run_folder_holds_the_plan_as_it_was_understood(first: tuple[Finished, Counter[str]]) -> None:
    plan = json.loads((first[0].folder / "plan.json").read_text())
    assert plan["plan"]["verdict"].items() >= {"rate": 0.05, "null_models": 2, "keys": 3}.items()
    assert [cell["id"] for cell in plan["cells"]] == [record["id"] for record in first[0].records]


def test_observers_are_told_of_every_cell_in_the_order_they_end(
    workshop, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    seen: list[str] = []
    monkeypatch.setattr(type(workshop.catalog), "observe", lambda self, record: seen.append(record["id"]))
    finished = workshop.run(SIGNS + "attacks: [none, breaks]\n")
    assert seen == workshop.progress.cells == [record["id"] for record in finished.records]


@pytest.mark.parametrize("attack", ["{prune: {sparsity: 0.999}}", "{gaussian_blur: {sigma: 50}}"])
def test_a_suspect_that_no_longer_knows_the_task_is_not_claimed_whatever_it_says_of_triggers(
    shared, attack: str
) -> None:  # type: ignore[no-untyped-def]
    record = one(shared.run(f"schemes: [{{content: {{keys: 10}}}}]\nattacks: [{attack}]\n"))
    found = record["verdict"]
    assert (found["claim"], found["controls"]["knows"]) == (False, False)
    assert "clean images are answered rightly" in found["reason"]


@pytest.mark.parametrize(("rate", "needed"), [(0.001, "999"), (0.02, "49")])
def test_a_rate_far_below_what_null_models_show_is_no_result(shared, rate: float, needed: str) -> None:  # type: ignore[no-untyped-def]
    task = shared.task.replace("keys: 3", f"keys: 3, rate: {rate}")
    found = shared.run("schemes: [{content: {keys: 10}}]\n", task=task)
    assert f"It takes {needed} of them" in one(found)["error"]["message"]
