"""Grants by the name of a paper's protocol: what they hold, that nothing contradicts them, what they demand."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from ownmark.config import to_plain
from ownmark.errors import PlanError
from ownmark.methods import Need
from ownmark.runner.granting import narrowed
from ownmark.runner.plan import PROTOCOLS, Given, given, parse_plan
from ownmark.runner.preflight import check_methods

PLAN = """
tasks: [{{dataset: digits, host: convnet}}]
schemes: [content]
attacks:
  - finetune
  - {{prune: {{}}, given: {{data: 50}}}}
  - {{finetune: {{}}, as: other, given: {{protocol: mira-in-distribution}}}}
attacker: {attacker}
"""


def grant(value: Any) -> Given:
    return TypeAdapter(Given).validate_python(value)


@pytest.mark.parametrize("value", ["app", {"protocol": "app"}, {"protocol": "app", "data": "all"}], ids=str)
def test_app_grants_all_that_the_owner_never_saw(value: Any) -> None:
    found = grant(value)
    assert (found.data, found.labels, found.source, found.transfer) == ("all", True, "disjoint", 0)


@pytest.mark.parametrize(
    ("name", "data", "labels", "transfer"),
    [
        ("mira-in-distribution", 1000, True, 0),
        ("mira-transfer", "none", False, 2000),
        ("mira-data-free", "none", False, 0),
        ("laundering-0.6", 0.006, True, 0),
        ("laundering-10.8", 0.108, True, 0),
    ],
)
def test_protocols_are_the_papers(name: str, data: Any, labels: bool, transfer: int) -> None:
    found = grant(name)
    assert (found.data, found.labels, found.transfer) == (data, labels, transfer)
    assert set(PROTOCOLS) >= {name}


@pytest.mark.parametrize(("name", "change"), [("app", {"labels": False}), ("mira-transfer", {"transfer": 5})])
def test_a_contradicted_protocol_is_no_grant(name: str, change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=f"protocol {name} grants"):
        grant({"protocol": name, **change})


def test_unknown_protocols_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValidationError, match=r"laundering-0\.6"):
        grant("ndss")


def test_what_a_protocol_leaves_open_may_be_said() -> None:
    assert grant({"protocol": "app", "copies": 3}).copies == 3


@pytest.mark.parametrize(
    "needs", [frozenset(), frozenset({Need.BLACK_BOX, Need.DATA})], ids=["no data", "queries"]
)
def test_narrowed_grants_lose_what_is_not_used(needs: frozenset[Need]) -> None:
    found = narrowed(grant("app"), needs)
    assert found.data == ("all" if needs else "none")


def test_entries_change_a_protocol_or_take_another() -> None:
    plan, _ = parse_plan(PLAN.format(attacker="app"))
    plain, changed, other = (given(plan, entry) for entry in plan.attacks)
    assert plain.protocol == "app"
    assert (changed.protocol, changed.data, changed.labels) == ("", 50, True)
    assert (other.protocol, other.data, other.source) == ("mira-in-distribution", 1000, "owner")


def test_errors_of_a_plans_grant_stand_where_it_does() -> None:
    with pytest.raises(PlanError, match=r":8: attacker: protocol app grants labels: True"):
        parse_plan(PLAN.format(attacker="{protocol: app, labels: false}"))


def test_plain_values_of_a_grant_make_it_again() -> None:
    assert grant(to_plain(grant("laundering-0.6"))) == grant("laundering-0.6")


@pytest.mark.parametrize(("reserve", "told"), [(0.2, False), (0.3, True)])
def test_a_protocol_demands_its_division_of_the_images(catalog: Any, reserve: float, told: bool) -> None:
    text = PLAN.format(attacker="app").replace("finetune\n", "finetune: {recipe: {epochs: 1}}\n")
    plan, document = parse_plan(text + f"split: {{reserve: {reserve}}}\n")
    found = [
        problem
        for problem in check_methods(plan, document, catalog)
        if "protocol app reserves 0.2" in problem
    ]
    assert bool(found) is told
    assert all(problem.startswith("plan.yaml:5: ") for problem in found)
