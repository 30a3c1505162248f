"""Plans without end and values that are none: refused at once, with the line; every number of a method has bounds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from ownmark.discovery import discover
from ownmark.errors import PlanError
from ownmark.methods import Declaration, Kind
from ownmark.runner.plan import Given, Landscape, Nulls, Plan, Removal, Split, VerdictRule, parse_plan
from ownmark.runner.session import prepare

LEAST = "tasks: [{dataset: digits, host: convnet}]\nschemes: uchida\n"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(9)
)


def refused(text: str) -> str:
    with pytest.raises(PlanError) as caught:
        parse_plan(text, "p.yaml")
    return "\n".join(caught.value.problems)


@pytest.mark.parametrize(
    "value",
    ["0x_", "0b_", "!!int abc", "!!float abc", "!!bool abc", "9" * 5000, "!!timestamp x", "!!binary abc=", "!!set {x}",
     "!!omap [a: 1]", "!!python/object:os.x {}", "!own x", "{1: 2}", "{true: 2}", "{null: 2}", "{[a]: 2}",
     "{a: 1, a: 2}",
     "&x [*x]", "[" * 100_000, "{a: " * 500],
    ids=lambda value: value[:20],
)  # fmt: skip
def test_a_value_that_is_none_is_named_with_its_line(value: str) -> None:
    assert refused(f"{LEAST}about: {value}").startswith("p.yaml:3: ")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BOMB, "more than 100,000 values"),
        ("about: " + "x" * 2**21, "characters"),
        (LEAST + "seeds: [" + "1, " * 30_000 + "2]", "at most 1000"),
        (LEAST + "seeds: " + "9" * 40, "seeds"),
        (LEAST + "verdict: {null_models: 1000000000}", "less than or equal to 1000"),
        (LEAST + "verdict: {keys: 1000000000}", "less than or equal to 10000"),
        (LEAST + "attacker: {transfer: 1e300}", "transfer"),
        (LEAST + "removal: {kind: absolute, amount: .inf}", "amount"),
        (LEAST + "verdict: {rate: .nan}", "rate"),
        (
            LEAST + "attacks: {prune: , sweep: {a: &l [" + "1, " * 999 + "1], b: *l, c: *l}}",
            "1,000,000,000 points",
        ),
        (LEAST + "attacks: [" + "prune, " * 2000 + "none]", "at most 1000"),
        (
            "datasets: {digits: , sweep: {size: &l ["
            + "1, " * 999
            + "1]}}\nhosts: {convnet: , sweep: {width: *l}}\n"
            "schemes: uchida",
            "1,000,000 cells",
        ),
    ],
    ids=lambda text: text[-30:],
)
def test_what_has_no_end_is_refused_by_a_stated_limit(text: str, says: str) -> None:
    assert says in refused(text)


def test_a_date_is_text() -> None:
    assert parse_plan(LEAST + "about: 2026-13-45")[0].about == "2026-13-45"


def configured() -> list[Declaration]:
    catalog = discover()
    return [one for kind in Kind if kind is not Kind.PLAN for one in catalog.of(kind) if one.load_config()]


@pytest.mark.parametrize("method", configured(), ids=lambda one: f"{one.kind}-{one.id}")
def test_every_number_of_a_method_is_finite_and_bounded(method: Declaration) -> None:
    schema = TypeAdapter(method.load_config()).json_schema()
    assert not list(unbounded(schema, "", schema.get("$defs", {})))


@pytest.mark.parametrize(
    "part", [Plan, Given, Split, VerdictRule, Removal, Landscape, Nulls], ids=lambda one: one.__name__
)
def test_every_number_of_a_plan_is_bounded(part: type) -> None:
    schema = TypeAdapter(part).json_schema()
    found = set(unbounded(schema, "", schema.get("$defs", {})))
    assert not {path for path in found if not path.endswith("data")}  # which a validator of its own checks


NOTHING = {"attacker: {transfer: %s}", "split: {reserve: %s}",
           "verdict: {every_epoch: %s}", "split: {seed: %s}", "seeds: [0, %s]"}  # fmt: skip
"""Fields that may be nothing."""
NEGATIVE = {"split: {seed: %s}", "seeds: %s", "seeds: [0, %s]"}


@pytest.mark.parametrize("number", ["1.0e+308", "-1", "1e400", "1" * 400, ".nan", "-.inf", "0.0e-5", "-0.0"])
@pytest.mark.parametrize(
    "field",
    [*sorted(NOTHING | NEGATIVE), "attacker: {data: %s}", "attacker: {copies: %s}", "attacker: {queries: %s}",
     "verdict: {rate: %s}",
     "verdict: {null_models: %s}", "verdict: {keys: %s}", "verdict: {decoys: %s}", "removal: {amount: %s}",
     "landscape: {points: %s}", "landscape: {finetuning: %s}", "landscape: {images: %s}"],
)  # fmt: skip
def test_numbers_that_mean_nothing_are_refused_with_their_line(field: str, number: str) -> None:
    text = LEAST + field.replace("%s", number)
    if (field in NOTHING and number in ("0.0e-5", "-0.0")) or (field in NEGATIVE and number == "-1"):
        parse_plan(text, "p.yaml")
        return
    problems = refused(text).splitlines()
    assert all(problem.startswith("p.yaml:3: ") and len(problem) < 600 for problem in problems)


def unbounded(schema: dict[str, Any], path: str, defs: dict[str, Any]) -> Iterator[str]:
    """Fields of numbers that have no limit on one side."""
    if "$ref" in schema:
        schema = defs[schema["$ref"].rpartition("/")[2]]
    if schema.get("type") in ("integer", "number") and not {"enum", "const"} & set(schema):
        sides = ({"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"})
        if not all(side & set(schema) for side in sides):
            yield path
    for key in ("anyOf", "allOf", "oneOf", "prefixItems"):
        for inner in schema.get(key, []):
            yield from unbounded(inner, path, defs)
    if isinstance(schema.get("items"), dict):
        yield from unbounded(schema["items"], f"{path}[]", defs)
    for name, inner in schema.get("properties", {}).items():
        yield from unbounded(inner, f"{path}.{name}", defs)


@pytest.mark.parametrize(
    "entry",
    ["attacks: %s", "attacks: {%s: }", "attacks: {prune: {%s: 1}}", "hosts: %s\ndatasets: digits", "about: [%s]",
     "schemes: {uchida: {layer: %s}, as: %s}\n", "attacks: {prune: , for: %s}", "extractors: {align: {extractor: %s}}"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["x" * 100_000, "a/" + "y" * 100_000], ids=["long", "of a pack"])
def test_a_name_that_goes_on_for_pages_is_told_short(entry: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    section = entry.partition(":")[0]
    rest = "\n".join(line for line in LEAST.splitlines() if not line.startswith(section))
    path.write_text(f"{rest}\n{entry.replace('%s', name)}")
    with pytest.raises(PlanError) as caught:
        prepare(path, tmp_path / "run", tmp_path / "store", "cpu", None, discover())
    assert all(len(problem) < 4000 for problem in caught.value.problems)
