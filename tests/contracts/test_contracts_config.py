"""Recipes laid over defaults, nested methods in their short forms, and parameters as plain values."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from ownmark.config import Nested, configuration, to_plain
from ownmark.contracts import Recipe, overriding

OWN = Recipe(epochs=7, lr=0.3, schedule="cosine")


@configuration
class Parameters:
    """What a method may take."""

    recipe: Annotated[Recipe, overriding(OWN)] = OWN
    inner: Nested | None = None


def made(**fields: object) -> Parameters:
    return TypeAdapter(Parameters).validate_python(fields)


def test_a_partial_recipe_keeps_the_methods_own_defaults() -> None:
    assert made(recipe={"epochs": 3}).recipe == OWN.change(epochs=3)
    assert made(recipe={}).recipe == made().recipe == OWN


def test_a_whole_recipe_replaces_the_default() -> None:
    assert made(recipe=Recipe()).recipe == Recipe()


@pytest.mark.parametrize("bad", [{"epochs": -1}, {"optimiser": "sgd"}, {"schedule": "linear"}, {"lr": 0}, 3])
def test_a_wrong_recipe_is_refused(bad: object) -> None:
    with pytest.raises(ValidationError):
        made(recipe=bad)


@pytest.mark.parametrize(
    ("written", "id", "params"),
    [
        ("uchida", "uchida", {}),
        ("whitebox/uchida", "whitebox/uchida", {}),
        ({"uchida": {"bits": 8}}, "uchida", {"bits": 8}),
        ({"uchida": None}, "uchida", {}),
        ({"id": "uchida"}, "uchida", {}),
        ({"id": "uchida", "params": {"bits": 8}}, "uchida", {"bits": 8}),
    ],
)
def test_nested_methods_may_be_written_shortly(written: object, id: str, params: dict[str, int]) -> None:
    assert made(inner=written).inner == Nested(id=id, params=params)


def test_nested_methods_may_be_written_by_position_in_code() -> None:
    assert Nested("uchida") == Nested(id="uchida")
    assert Nested("uchida", {"bits": 8}) == Nested(id="uchida", params={"bits": 8})
    assert Nested("uchida", params={"bits": 8}) == Nested(id="uchida", params={"bits": 8})


@pytest.mark.parametrize("written", [3, ["uchida"], {"uchida": 3}, {"a": {}, "b": {}}, {}])
def test_what_is_no_method_is_refused(written: object) -> None:
    with pytest.raises(ValidationError):
        made(inner=written)


def test_parameters_are_frozen_and_know_no_others() -> None:
    with pytest.raises(AttributeError):
        made().recipe = Recipe()  # type: ignore[misc]
    with pytest.raises(ValidationError):
        made(recipes={})


def test_plain_parameters_are_json_and_complete() -> None:
    plain = to_plain(made(inner={"uchida": {"bits": 8}}))
    assert plain["inner"] == {"id": "uchida", "params": {"bits": 8}}
    assert plain["recipe"]["milestones"] == [0.5, 0.75]
    assert made(**plain) == made(inner={"uchida": {"bits": 8}})
    assert to_plain(None) == {}
