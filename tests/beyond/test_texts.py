"""Text by a third party, whom the core knows nothing of: a transformer, a mark of rare phrases, thieves, a verdict."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ownmark.discovery import Catalog
from ownmark.errors import PlanError
from ownmark.methods import Kind
from ownmark.runner import run
from ownmark.runner.session import prepare
from ownmark.testing import CheckSkipped, run_check
from ownmark.testing.suite import checks_for

PLAN = Path(__file__).parent / "texts" / "plan.yaml"


@pytest.mark.slow
def test_marked_texts_meet_thieves(tmp_path: Path, packs: Catalog) -> None:
    done = run(PLAN, out=tmp_path / "out", store=tmp_path / "store", device="cpu", catalog=packs)
    assert not done.failed
    found = {record["cell"]["attack"]["label"]: record for record in done.records}
    none, hard = found["none"], found["prune hard"]
    assert none["utility"]["host"] > 0.9
    assert none["utility"]["marked"] > 0.85
    assert none["evidence"]["rate"] == 1
    assert none["verdict"]["claim"] is True
    assert found["finetune"]["granted"]["data"] > 0
    for name in ("finetune", "prune"):
        assert found[name]["removal"]["outcome"] in ("survived", "removed")
        assert found[name]["utility"]["suspect"] > 0.8
    assert hard["utility"]["suspect"] < none["utility"]["marked"] - 0.1
    assert hard["removal"]["outcome"] == "utility-lost"


def test_phrases_are_rare_and_stand_where_they_are_put(packs: Catalog) -> None:
    from trial_texts.rare_phrase import phrased, rarest

    sentences = torch.tensor([[1, 2, 3, 1], [2, 2, 5, 0]])
    assert rarest(sentences, 7, 2).tolist() == [4, 6]
    put = phrased(sentences, torch.tensor([[4, 6], [6, 6]]), torch.tensor([0, 2]))
    assert put.tolist() == [[4, 6, 3, 1], [2, 2, 6, 6]]


@pytest.mark.parametrize("kind", [Kind.DATASET, Kind.HOST, Kind.SCHEME, Kind.EXTRACTOR], ids=str)
def test_the_kit_takes_methods_for_text(packs: Catalog, kind: Kind) -> None:
    (method,) = (one for one in packs.of(kind) if one.distribution == "trial-texts")
    for check in checks_for(method, thorough=False):
        try:
            run_check(check, method, packs)
        except CheckSkipped:
            continue


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"rare_phrase": "patch"},
            "scheme patch on reviews/transformer: it needs pixels, and the task's inputs are",
        ),
        (
            {"rare_phrase": "uchida"},
            "scheme uchida on reviews/transformer: it needs pixels, and the task's inputs are",
        ),
        (
            {"host: transformer": "host: {transformer: {vocabulary: 50}}"},
            "its vocabulary has 50 tokens, and the data",
        ),
    ],
)
def test_what_is_not_for_texts_is_refused(
    tmp_path: Path, packs: Catalog, changes: dict[str, str], sentence: str
) -> None:
    text = PLAN.read_text()
    for old, new in changes.items():
        text = text.replace(old, new)
    plan = tmp_path / "plan.yaml"
    plan.write_text(text)
    with pytest.raises(PlanError) as caught:
        prepare(plan, tmp_path / "out", tmp_path / "store", "cpu", None, packs)
    assert any(sentence in problem for problem in caught.value.problems), caught.value.problems
