"""What a plan's attacker may reach: weights or answers, so many queries, so many marked copies."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ownmark.contracts import Samples, restored
from ownmark.errors import NotApplicable, PlanError
from ownmark.methods import Need
from ownmark.runner import run
from ownmark.runner.granting import narrowed, stolen
from ownmark.runner.plan import Given
from ownmark.testing import with_fakes
from ownmark.testing.fakes import FAKES, Copycat, CopycatConfig, Scale, ScaleConfig

QUERY, COPIES = frozenset({Need.BLACK_BOX}), frozenset({Need.COPIES})
SHAPE = (1, 2, 2)


def network() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 3)).eval()


def loot(**given: Any) -> Any:
    return stolen(network(), narrowed(Given(**given), QUERY), SHAPE, 3, Samples(torch.rand(8, *SHAPE)))


# --- what a query-only attacker holds -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "look",
    [
        lambda s: list(s.network.parameters()), lambda s: s.network.state_dict(), lambda s: s.network(s.data.x),
        lambda s: s.copy(), lambda s: copy.deepcopy(s.network), lambda s: s.network.eval(),
        lambda s: setattr(s.network, "weight", 1), lambda s: list(s.network.modules()),
    ],
    ids=["parameters", "state", "call", "copy", "deepcopy", "eval", "set", "modules"],
)  # fmt: skip
def test_an_attacker_with_answers_only_cannot_look_at_the_network(look: Callable[[Any], Any]) -> None:
    with pytest.raises(NotApplicable, match="granted answers"):
        look(loot())


def test_answers_are_counted_and_end_with_the_budget() -> None:
    held = loot(queries=10)
    assert held.images().labels.shape == (8,)
    assert held.box.queries == 8
    with pytest.raises(NotApplicable, match="budget is 10"):
        held.box.predict(held.data.x)


def test_labels_are_all_that_an_attacker_granted_labels_gets() -> None:
    assert loot(access="scores").box.probabilities(torch.rand(2, *SHAPE)).shape == (2, 3)
    with pytest.raises(NotApplicable, match="labels only"):
        loot(access="labels").box.probabilities(torch.rand(2, *SHAPE))


def test_a_thief_with_the_weights_asks_his_own_copy_without_limit() -> None:
    held = stolen(network(), narrowed(Given(queries=1), frozenset()), SHAPE, 3)
    assert held.queried is None
    assert held.box.predict(torch.rand(5, *SHAPE)).shape == (5,)


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        (frozenset(), {"data": "none", "labels": False, "copies": 1, "access": "weights", "queries": None}),
        (frozenset({Need.DATA}), {"data": 9, "labels": True, "copies": 1}),
        (QUERY, {"data": "none", "copies": 1, "access": "scores", "queries": 7}),
        (COPIES, {"copies": 4, "access": "weights"}),
    ],
    ids=["nothing", "images", "queries", "copies"],
)
def test_an_attack_is_handed_no_more_than_it_declares(
    needs: frozenset[Need], expected: Mapping[str, Any]
) -> None:
    found = narrowed(Given(data=9, copies=4, queries=7), needs)
    assert {name: getattr(found, name) for name in expected} == expected


# --- restore --------------------------------------------------------------------------------------------------------


class Old(Scale):
    """Written when `restore` was told nothing of the task."""

    def restore(self, network: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:  # type: ignore[override]
        restored: nn.Module = super().restore(network, state)
        return restored


class Keywords(Scale):
    def restore(self, network: nn.Module, state: Mapping[str, Tensor], **about: Any) -> nn.Module:  # type: ignore[override]
        raise AssertionError("not reached with positions")


def test_restore_is_told_shape_and_classes_and_need_not_be() -> None:
    state = {"1.weight": torch.ones(3, 4), "1.bias": torch.zeros(3)}
    for attack in (Old(ScaleConfig()), Scale(ScaleConfig())):
        assert torch.equal(restored(attack, network(), state, SHAPE, 3)[1].weight, state["1.weight"])  # type: ignore[index]
    other = restored(Copycat(CopycatConfig()), nn.Identity(), state, SHAPE, 3)
    assert torch.equal(other[1].weight, state["1.weight"])  # type: ignore[index]


# --- in plans -------------------------------------------------------------------------------------------------------

PLAN = """
tasks:
  - dataset: {digits: {limit_train: 300, limit_test: 60}}
    host: {convnet: {width: 0.5, recipe: {epochs: 2}}}
schemes: [fake-signs, {fake-triggers: {triggers: 6}}]
verdict: {null_models: 1, keys: 2}
"""


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    folder = tmp_path_factory.mktemp("access")
    (folder / "plan.yaml").write_text(
        PLAN
        + """
attacks:
  - {fake-copycat: {recipe: {epochs: 3}}, for: fake-triggers, given: {access: labels, queries: 60}}
  - {fake-average: , given: {copies: 3}, for: fake-signs}
  - {fake-scale: {amount: 0.5}}
"""
    )
    finished = run(
        folder / "plan.yaml", out=folder / "run", store=folder / "store", device="cpu", catalog=with_fakes()
    )
    assert [record["error"] for record in finished.failed] == []
    return {(r["cell"]["scheme"]["id"], r["cell"]["attack"]["id"]): r for r in finished.records}


def test_a_suspect_of_another_architecture_is_read_and_judged(
    records: Mapping[tuple[str, str], Mapping[str, Any]],
) -> None:
    record = records["fake-triggers", "fake-copycat"]
    assert record["evidence"]["n"] == 6
    assert record["utility"]["n"] == 60
    assert record["metrics"]["relative_weight_distance"]["value"] is None  # no parameter in common
    assert record["granted"]["access"] == "labels"
    assert record["cost"]["attack_queries"] == record["exhibits"]["asked"] == 60


def test_several_marked_copies_are_marked_with_keys_of_their_own(
    records: Mapping[tuple[str, str], Mapping[str, Any]],
) -> None:
    record = records["fake-signs", "fake-average"]
    assert record["exhibits"]["copies"] == record["granted"]["copies"] == 3
    assert record["metrics"]["relative_weight_distance"]["value"] > 0
    assert records["fake-signs", "fake-scale"]["granted"]["copies"] == 1


@pytest.mark.parametrize(
    ("attack", "sentence"),
    [
        (
            "{fake-scale: , given: {access: labels}}",
            "fake-scale works on the weights, but its attacker is granted lab",
        ),
        ("{fake-scale: , given: {access: scores}}", "works on the weights"),
        ("fake-average", "needs several marked copies"),
        ("{fake-sure: , given: {access: labels}}", "needs class probabilities"),
        ("{fake-copycat: , given: {queries: 0}}", "given.queries: expected greater than or equal to 1"),
        ("{fake-average: , given: {copies: 1000000}}", "given.copies: expected less than or equal to 100"),
    ],
)
def test_what_is_not_granted_is_told_before_anything_runs(attack: str, sentence: str, tmp_path: Any) -> None:
    import dataclasses

    base = with_fakes()
    copycat = next(one for one in FAKES if one.id == "fake-copycat")
    sure = dataclasses.replace(copycat, id="fake-sure", needs=copycat.needs | {Need.SCORES})
    catalog = dataclasses.replace(base, methods=(*base.methods, sure))
    (tmp_path / "plan.yaml").write_text(PLAN + f"attacks: [{attack}]\n")
    with pytest.raises(PlanError, match=sentence):
        run(tmp_path / "plan.yaml", out=tmp_path / "r", store=tmp_path / "s", device="cpu", catalog=catalog)
