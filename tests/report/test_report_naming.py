"""Names of columns: methods that hold other methods are told apart, whichever way the plan wrote them."""

from __future__ import annotations

from typing import Any

from ownmark.report.naming import attack_axis, name_all, row_axis


def attack(params: dict[str, Any]) -> dict[str, Any]:
    return {"attack": {"id": "unified", "label": "unified", "params": params}}


def test_attacks_that_hold_a_method_without_parameters_have_columns_of_their_own():
    axes = [
        attack_axis(attack(params)) for params in ({}, {"then": {"prune": {}}}, {"then": {"finetune": {}}})
    ]
    named = name_all({axis.key: axis for axis in axes})
    assert [axis.name for axis in named.values()] == [
        "unified",
        "unified then=prune",
        "unified then=finetune",
    ]


def test_short_and_long_form_of_a_method_are_one_column():
    short, long = (attack_axis(attack({"then": then})) for then in ("prune", {"prune": {}}))
    assert short == long


def test_parameters_of_a_held_method_have_their_path():
    cell = {"scheme": {"id": "s", "params": {"source": {"digits": {"limit": 3, "sizes": {}}}}}}
    assert row_axis(cell).params == {"source.digits.limit": 3}
    assert row_axis({"scheme": {"id": "s", "params": {"source": {"digits": {}}}}}).params == {
        "source": "digits"
    }
