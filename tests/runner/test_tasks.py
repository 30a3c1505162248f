"""Plans on tasks of any kind: sentences, a generator, captions; and one sentence where a method is for others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from ownmark.contracts import Form, Inputs
from ownmark.errors import PlanError, UntrustedFile, UnusableAnswer
from ownmark.ownership import Service, attack, embed, verify
from ownmark.ownership.endpoint import encoded
from ownmark.ownership.folder import Release, Structure
from ownmark.ownership.protocols import request_of
from ownmark.runner import run
from ownmark.runner.cell import Spec
from ownmark.runner.plan import Split
from ownmark.runner.session import prepare
from ownmark.testing import with_fakes

CATALOG = with_fakes()
TASKS = """
tasks:
  - {dataset: fake-sentences, host: fake-reader}
  - {dataset: fake-bars, host: fake-painter}
  - {dataset: fake-bars, host: fake-narrator}
  - {dataset: {digits: {limit_train: 100, limit_test: 40}}, host: {convnet: {width: 0.25, recipe: {epochs: 1}}}}
"""
PLAN = (
    TASKS
    + """
schemes: [{fake-signs: {bits: 16}}]
attacks: [none, {fake-scale: {amount: 0.05}}]
metrics: [accuracy, fake-moments, fake-words, relative_weight_distance]
verdict: {null_models: 2, keys: 3}
"""
)
UTILITY = {
    "fake-reader": "accuracy",
    "fake-painter": "fake-moments",
    "fake-narrator": "fake-words",
    "convnet": "accuracy",
}


def written(folder: Path, text: str) -> Path:
    path = folder / "plan.yaml"
    path.write_text(text)
    return path


def refused(folder: Path, text: str) -> list[str]:
    with pytest.raises(PlanError) as caught:
        prepare(written(folder, text), folder / "out", folder / "store", "cpu", None, CATALOG)
    assert not (folder / "out").exists()
    return [problem.partition("plan.yaml:")[2] for problem in caught.value.problems]


def test_every_kind_of_task_goes_from_host_to_verdict(tmp_path: Path) -> None:
    done = run(
        written(tmp_path, PLAN), out=tmp_path / "out", store=tmp_path / "store", device="cpu", catalog=CATALOG
    )
    assert len(done.records) == 8
    assert not done.failed
    for record in done.records:
        host = record["cell"]["host"]["id"]
        assert record["utility"]["metric"] == UTILITY[host], host
        assert record["verdict"]["claim"] is True, host
        assert record["removal"]["outcome"] in ("unattacked", "survived"), host
        told = {name: one["value"] for name, one in record["metrics"].items()}
        assert told["relative_weight_distance"] is not None
        assert {n for n in ("accuracy", "fake-moments", "fake-words") if told[n] is not None} == {
            UTILITY[host]
        }
    shown = {(r["cell"]["host"]["id"], r["cell"]["attack"]["id"]): r["exhibits"] for r in done.records}
    painted, told = shown["fake-painter", "fake-scale"], shown["fake-narrator", "fake-scale"]
    assert {"makes, marked", "makes, attacked"} <= set(painted)
    assert all((tmp_path / "out" / painted[name]).is_file() for name in ("makes, marked", "makes, attacked"))
    assert told["says, marked"].count("/") == 7
    assert told["says, attacked"]
    assert not any("makes" in name for name in shown["convnet", "fake-scale"])
    learnt = {record["cell"]["host"]["id"]: record["utility"]["host"] for record in done.records}
    assert learnt["fake-reader"] > 0.8
    assert learnt["fake-narrator"] > 0.5
    assert learnt["fake-painter"] < 0.2


TEXTS = "tasks: [{dataset: fake-sentences, host: fake-reader}]\n"
LONG = TEXTS.replace("fake-reader", "{fake-reader: {recipe: {augment: crop}}}")
PICTURES = "tasks: [{dataset: fake-bars, host: fake-painter}]\n"
SIGNS = "schemes: [fake-signs]\n"
FOREIGN = "transfer: digits\nattacks: [{fake-copycat: , given: {transfer: 9}}]\n"


def task(dataset: str, host: str) -> str:
    return f"tasks: [{{dataset: {dataset}, host: {host}}}]\n{SIGNS}"


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        (TEXTS + "schemes: [patch]\n", "fake-reader: it needs pixels, and the task's inputs are tokens"),
        (TEXTS + "schemes: [uchida]\n", "scheme uchida on fake-sentences/fake-reader: it needs pixels"),
        (TEXTS + SIGNS + "attacks: [pst]\n", "attack pst on fake-sentences/fake-reader: it needs pixels"),
        (TEXTS + SIGNS + "extractors: [fake-triggers]\n", "extractor fake-triggers on"),
        (
            TEXTS + SIGNS + "metrics: [fake-words]\n",
            "it judges captions, and the task's goal is classification",
        ),
        (
            PICTURES + "schemes: [fake-triggers]\n",
            "it needs classification, and the task's goal is generation",
        ),
        (task("fake-sentences", "convnet"), "the host takes pixels, and the data are tokens"),
        (task("digits", "fake-reader"), "the host takes tokens, and the data are pixels"),
        (task("digits", "fake-narrator"), "task digits/fake-narrator: captioning needs reference texts"),
        (task("fake-bars", "convnet"), "needs one label an input, and there are reference texts"),
        (LONG + SIGNS, "task fake-sentences/fake-reader: the recipe's `augment: crop` is for pixels"),
        (TEXTS + SIGNS + FOREIGN, "the transfer dataset has pixels, the task's inputs are tokens"),
    ],
)
def test_what_does_not_fit_is_told_before_training(tmp_path: Path, plan: str, sentence: str) -> None:
    found = refused(tmp_path, plan)
    assert any(sentence in problem for problem in found), found


def test_a_method_for_some_of_the_tasks_leaves_gaps(tmp_path: Path) -> None:
    text = TASKS + "schemes: [fake-triggers]\nverdict: {null_models: 1, keys: 2}\n"
    done = run(
        written(tmp_path, text), out=tmp_path / "out", store=tmp_path / "store", device="cpu", catalog=CATALOG
    )
    status = {record["cell"]["task"]: record["status"] for record in done.records}
    assert status["fake-bars/fake-painter"] == status["fake-sentences/fake-reader"] == "n/a"
    assert status["digits/convnet"] == "ok"


@pytest.mark.parametrize(
    ("dataset", "host"), [("sentences", "reader"), ("bars", "painter"), ("bars", "narrator")]
)
def test_marking_for_real_takes_any_task(tmp_path: Path, dataset: str, host: str) -> None:
    text = (
        f"tasks: [{{dataset: fake-{dataset}, host: fake-{host}}}]\nschemes: [{{fake-signs: {{bits: 24}}}}]\n"
    )
    embed(written(tmp_path, text), tmp_path / "mark", device="cpu", catalog=CATALOG)
    attack(
        tmp_path / "mark/released",
        "{fake-scale: {amount: 0.1}}",
        tmp_path / "stolen",
        device="cpu",
        catalog=CATALOG,
    )
    for suspect in ("mark/released", "stolen"):
        assert verify(tmp_path / "mark", tmp_path / suspect, device="cpu", catalog=CATALOG)["claim"] is True


def test_services_are_sent_token_ids_as_whole_numbers() -> None:
    ids = torch.tensor([[1, 2, 3], [4, 5, 0]])
    assert encoded(ids, Service("http://x/")) == [[1, 2, 3], [4, 5, 0]]
    body, kind = request_of(ids, Service("http://x/", protocol="v2", layout="hwc"), ids.tolist())
    (sent,) = json.loads(body)["inputs"]
    assert (kind, sent["shape"], sent["datatype"]) == ("application/json", [2, 3], "INT64")
    assert sent["data"] == [[1, 2, 3], [4, 5, 0]]
    for protocol in ("huggingface", "torchserve", "gradio"):
        with pytest.raises(UnusableAnswer, match="sends pictures"):
            request_of(ids[:1], Service("http://x/", protocol=protocol), ids[:1].tolist())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"shape": [10], "inputs": {"form": "tokens", "tokens": 20}}, Inputs(Form.TOKENS, 20)),
        ({"shape": [1, 8, 8]}, Inputs()),
        ({"shape": [10]}, None),
        ({"shape": [10], "inputs": {"form": "smells", "tokens": 1}}, None),
        ({"shape": [10], "inputs": {"form": "tokens"}}, None),
    ],
)
def test_a_model_says_what_its_inputs_are(
    tmp_path: Path, told: dict[str, object], kept: Inputs | None
) -> None:
    host = Spec("ownmark-fakes/fake-reader", "{}", "fake-reader")
    Release(Structure(host, (10,), 3, inputs=Inputs(Form.TOKENS, 20)), None, Split()).write(tmp_path, {})
    path = tmp_path / "model.json"
    about = json.loads(path.read_text())
    assert about.pop("inputs") == {"form": "tokens", "tokens": 20}
    path.write_text(json.dumps({**about, **told}))
    if kept is None:
        with pytest.raises(UntrustedFile, match="incomplete or altered"):
            Release.read(tmp_path)
        return
    assert Release.read(tmp_path).structure.inputs == kept
