"""Parameters checked, nested methods resolved, instances made."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest

from ownmark.config import Nested
from ownmark.discovery import nested_fields
from ownmark.errors import MethodNotFound, MethodUnavailable, PlanError
from ownmark.methods import Kind

CONFIGS = """
    from typing import Annotated
    from pydantic import Field, field_validator, model_validator
    from ownmark.config import Nested, configuration
    from ownmark.methods import Kind

    @configuration
    class Step:
        rate: float = 0.1

    @configuration
    class Bits:
        bits: int = Field(default=64, ge=1)
        layer: str = "last"
        step: Step = Step()
        steps: tuple[Step, ...] = ()

        @field_validator("layer")
        @classmethod
        def _known(cls, value: str) -> str:
            if value == "nope":
                raise ValueError("the layer must be first or last")
            return value

    @configuration
    class Wrap:
        inner: Annotated[Nested, Kind.EXTRACTOR]
        spare: Annotated[Nested | None, Kind.ATTACK] = None
        chain: Annotated[tuple[Nested, ...], Kind.ATTACK] = ()
        more: list[Annotated[Nested, Kind.ATTACK]] = Field(default_factory=list)
        strength: float = 1.0

    @configuration
    class Kindless:
        inner: Nested

    @configuration
    class Pair:
        low: int = 0
        high: int = 1

        @model_validator(mode="after")
        def _ordered(self):
            assert self.low < self.high, "low must be below high"
            return self

    @configuration
    class Odd:
        x: int = 0

        @field_validator("x")
        @classmethod
        def _odd(cls, value: int) -> int:
            raise KeyError("lost")
"""

CLASSES = """
    class Plain:
        def __init__(self, config=None, **nested):
            self.config, self.nested = config, nested

    class Meter:
        def __init__(self, **parameters):
            self.parameters = parameters

    class Fails:
        def __init__(self, config):
            raise RuntimeError("no luck")
"""

DECLARED = [
    ("extractor", "bits", "Plain", "Bits"),
    ("attack", "plain", "Plain", ""),
    ("attack", "wrap", "Plain", "Wrap"),
    ("attack", "kindless", "Plain", "Kindless"),
    ("attack", "pair", "Plain", "Pair"),
    ("attack", "odd", "Plain", "Odd"),
    ("attack", "fails", "Fails", ""),
    ("attack", "unimportable", "Absent", "Bits"),
    ("attack", "configless", "Plain", "Absent"),
    ("metric", "bare", "Meter", ""),
    ("metric", "meter", "Meter", "Bits"),
    ("metric", "wrapmeter", "Meter", "Wrap"),
]


@pytest.fixture
def catalog(site):
    site.module("acme_configs", CONFIGS, prelude="")
    site.module("acme_classes", CLASSES, prelude="")
    source = ""
    for kind in ("extractor", "attack", "metric"):
        listed = [
            f"Declaration(id={name!r}, kind=Kind({kind!r}), target='acme_classes:{cls}', summary='s', "
            f"config={f'acme_configs:{config}' if config else ''!r})"
            for declared, name, cls, config in DECLARED
            if declared == kind
        ]
        source += f"@hookimpl\ndef ownmark_{kind}s():\n    return [{', '.join(listed)}]\n"
    site.pack("ownmark-acme", dedent(source))
    found = site.discover()
    assert found.problems == ()
    return found


def problems(catalog, kind, name, params=None):
    return catalog.validate(kind, name, params).problems


def test_a_method_gets_its_configuration(catalog):
    made = catalog.build(Kind.EXTRACTOR, "bits", {"bits": 8})
    assert (made.config.bits, made.config.layer, made.nested) == (8, "last", {})


def test_a_method_without_parameters_gets_none(catalog):
    assert catalog.build(Kind.ATTACK, "plain").config is None


@pytest.mark.parametrize(
    "written",
    [
        Nested(id="bits", params={"bits": 8}),
        {"bits": {"bits": 8}},
        {"id": "acme/bits", "params": {"bits": 8}},
    ],
    ids=["Nested", "short form", "long form"],
)
def test_a_method_is_built_as_a_plan_writes_it(catalog, written):
    assert catalog.build(Kind.EXTRACTOR, written).config.bits == 8
    assert catalog.build(Kind.EXTRACTOR, written, {"bits": 9}).config.bits == 9


def test_what_is_no_method_is_refused(catalog):
    with pytest.raises(PlanError, match="is not a method; write its id or"):
        catalog.build(Kind.EXTRACTOR, {"a": {}, "b": {}})


def test_metrics_get_keyword_arguments(catalog):
    assert catalog.build(Kind.METRIC, "bare").parameters == {}
    made = catalog.build(Kind.METRIC, "meter", {"bits": 8})
    assert made.parameters == {"bits": 8, "layer": "last", "step": {"rate": 0.1}, "steps": []}
    assert catalog.build(Kind.METRIC, "wrapmeter", {"inner": "bits"}).parameters["inner"].config.bits == 64


def test_defaults_fill_what_the_plan_leaves_open(catalog):
    made = catalog.build(
        Kind.EXTRACTOR, "bits", {"bits": 8}, defaults={"bits": 1, "layer": "first", "odd": 2}
    )
    assert (made.config.bits, made.config.layer) == (8, "first")
    assert catalog.build(Kind.ATTACK, "plain", defaults={"bits": 1}).config is None


def test_nested_methods_arrive_as_instances(catalog):
    params = {
        "inner": {"bits": {"bits": 8}},
        "chain": ["plain", {"wrap": {"inner": "bits"}}],
        "more": ["plain"],
    }
    nested = catalog.build(Kind.ATTACK, "wrap", params).nested
    assert nested["inner"].config.bits == 8
    assert nested["spare"] is None
    assert isinstance(nested["chain"], tuple)
    assert nested["chain"][1].nested["inner"].config.bits == 64
    assert isinstance(nested["more"], list)


def test_nested_fields_know_their_kinds(catalog):
    wrap = catalog.find(Kind.ATTACK, "wrap").load_config()
    expected = {"inner": Kind.EXTRACTOR, "spare": Kind.ATTACK, "chain": Kind.ATTACK, "more": Kind.ATTACK}
    assert nested_fields(wrap) == expected
    assert nested_fields(None) == {}


BAD = {
    "unknown key": ({"bitz": 1}, "extractor acme/bits has no parameter 'bitz'; did you mean 'bits'?"),
    "unknown and far": (
        {"zzz": 1},
        "extractor acme/bits has no parameter 'zzz'; it takes bits, layer, step, steps",
    ),
    "unknown below": (
        {"step": {"rte": 1}},
        "extractor acme/bits has no parameter 'step.rte'; did you mean 'rate'?",
    ),
    "unknown in a list": (
        {"steps": [{}, {"rte": 1}]},
        "extractor acme/bits has no parameter 'steps.1.rte'; did you mean 'rate'?",
    ),
    "out of range": (
        {"bits": 0},
        "extractor acme/bits: parameter 'bits' should be greater than or equal to 1, not 0",
    ),
    "yes for a number": (
        {"bits": True},
        "extractor acme/bits: parameter 'bits' should be a number, not True",
    ),
    "wrong type": (
        {"bits": "x"},
        "extractor acme/bits: parameter 'bits' should be a valid integer, unable to parse string as an integer, "
        "not 'x'",
    ),
    "pack's own words": (
        {"layer": "nope"},
        "extractor acme/bits: parameter 'layer': the layer must be first or last",
    ),
    "no mapping": ([1], "extractor acme/bits: its parameters must be a mapping of names to values, not [1]"),
}


@pytest.mark.parametrize(("params", "said"), BAD.values(), ids=BAD)
def test_a_wrong_parameter_is_named(catalog, params, said):
    assert problems(catalog, Kind.EXTRACTOR, "bits", params) == [said]
    with pytest.raises(PlanError) as caught:
        catalog.build(Kind.EXTRACTOR, "bits", params)
    assert caught.value.problems == (said,)


def test_a_rule_about_several_parameters_keeps_its_words(catalog):
    assert problems(catalog, Kind.ATTACK, "pair", {"low": 2}) == ["attack acme/pair: low must be below high"]


def test_a_required_parameter_is_named(catalog):
    assert problems(catalog, Kind.ATTACK, "wrap") == ["attack acme/wrap needs the parameter 'inner'"]


def test_a_method_without_parameters_takes_none(catalog):
    said = ["attack acme/plain takes no parameters; remove 'x'"]
    assert problems(catalog, Kind.ATTACK, "plain", {"x": 1}) == said


def test_something_else_in_the_place_of_a_method(catalog):
    said = "attack acme/wrap: parameter 'inner' takes a method; write its id or {id: parameters}"
    assert problems(catalog, Kind.ATTACK, "wrap", {"inner": {"a": {}, "b": {}}}) == [said]
    assert problems(catalog, Kind.ATTACK, "wrap", {"inner": 3}) == [said]
    (said,) = problems(catalog, Kind.ATTACK, "wrap", {"inner": "bits", "chain": 3})
    assert said == "attack acme/wrap: parameter 'chain' should be a valid tuple, not 3"


def test_all_problems_come_at_once_nested_ones_included(catalog):
    params = {
        "inner": {"bits": {"bits": 0, "bitz": 1}},
        "chain": ["plane", {"wrap": {"inner": {"bits": {"layer": "nope"}}}}],
        "strength": "much",
        "typo": 1,
    }
    found = problems(catalog, Kind.ATTACK, "wrap", params)
    assert [text.partition("acme/wrap")[2] for text in found] == [
        ": parameter 'strength' should be a valid number, unable to parse string as a number, not 'much'",
        " has no parameter 'typo'; it takes inner, spare, chain, more, strength",
        ": inner: extractor acme/bits: parameter 'bits' should be greater than or equal to 1, not 0",
        ": inner: extractor acme/bits has no parameter 'bitz'; did you mean 'bits'?",
        ": chain: no pack has an attack 'plane'; did you mean 'plain'?",
        ": chain: attack acme/wrap: inner: extractor acme/bits: parameter 'layer': the layer must be first or last",
    ]
    with pytest.raises(PlanError) as caught:
        catalog.build(Kind.ATTACK, "wrap", params)
    assert list(caught.value.problems) == found


def test_validation_never_imports_the_class(catalog):
    declaration, config, found = catalog.validate(Kind.ATTACK, "wrap", {"inner": "bits"})
    assert (declaration.id, config.inner.id, found) == ("wrap", "bits", [])
    assert "acme_classes" not in sys.modules


def test_an_unknown_method_is_an_error_at_once(catalog):
    with pytest.raises(MethodNotFound):
        catalog.validate(Kind.ATTACK, "no_such_thing")


def test_a_nested_field_must_state_its_kind(catalog):
    (said,) = problems(catalog, Kind.ATTACK, "kindless", {"inner": "bits"})
    assert "acme_configs:Kindless.inner takes a method of no stated kind" in said


def test_a_validator_that_breaks_is_a_problem(catalog):
    (said,) = problems(catalog, Kind.ATTACK, "odd", {"x": 1})
    assert said == "attack acme/odd: its parameters cannot be checked (KeyError: 'lost')"


def test_a_configuration_that_cannot_be_imported_is_a_problem(catalog):
    (said,) = problems(catalog, Kind.ATTACK, "configless")
    assert "attack acme/configless (ownmark-acme) cannot load 'acme_configs:Absent'" in said


def test_a_class_that_cannot_be_imported_or_made(catalog):
    with pytest.raises(MethodUnavailable, match="cannot load 'acme_classes:Absent'"):
        catalog.build(Kind.ATTACK, "unimportable")
    with pytest.raises(
        MethodUnavailable, match=r"attack acme/fails .* cannot be made: RuntimeError: no luck"
    ):
        catalog.build(Kind.ATTACK, "fails")
