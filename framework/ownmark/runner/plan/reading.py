"""From a YAML file to a plan; every problem found, with its line."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ownmark.config import to_plain
from ownmark.discovery.sentences import misread_numbers
from ownmark.errors import PlanError
from ownmark.runner.plan.entry import Entry, TaskEntry
from ownmark.runner.plan.grant import Given, changed
from ownmark.runner.plan.grid import LONGEST, Plan, task_problem
from ownmark.runner.plan.rules import Features, Landscape, Nulls, Removal, Split, TrainerOptions, VerdictRule
from ownmark.runner.yamlfile import Document, parse, read


def plan_from(document: Document) -> Plan:
    """Check the structure of a parsed plan.

    Raises:
        PlanError: every problem found, each with file and line.
    """
    if not isinstance(document.data, dict):
        raise PlanError(
            [f"{document.name}:1: a plan is a mapping with `tasks` and `schemes`, see `ownmark list plans`"]
        )
    try:
        plan = TypeAdapter(Plan).validate_python({"name": _default_name(document), **document.data})
    except ValidationError as error:
        items = error.errors()
        problem = task_problem(*(document.data.get(field) for field in ("tasks", "datasets", "hosts")))
        if problem and all(item["loc"] for item in items):  # fields are wrong, so `_has_tasks` was not asked
            items.append({"type": "value_error", "loc": (), "msg": problem, "input": None})
        items.sort(key=lambda item: document.line(_path(item)))
        raise PlanError([_sentence(document, item) for item in items]) from error
    if wrong := list(misread_numbers(document.data, plan)):
        raise PlanError(
            [
                f"{document.where(path)}: {'.'.join(map(str, path))}: expected a number, found {value!r:.60}"
                for path, value in wrong
            ]
        )
    return plan


def _default_name(document: Document) -> str:
    """The file's name, so that two plans without a name do not share a run folder."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", Path(document.name).stem).lstrip("-_.")
    return re.sub(r"\.{2,}", ".", name)[:LONGEST].rstrip(".") or "plan"


def read_plan(source: str | Path) -> tuple[Plan, Document]:
    """Read and check a plan file."""
    document = read(Path(source))
    return plan_from(document), document


def parse_plan(text: str, name: str = "plan.yaml") -> tuple[Plan, Document]:
    """Check a plan given as text."""
    document = parse(text, name)
    return plan_from(document), document


def _path(item: Any) -> list[str | int]:
    """Where an error stands, without the steps that only pydantic sees."""
    return [part for part in item["loc"] if not _is_tag(part)]


def _is_tag(part: str | int) -> bool:
    return isinstance(part, str) and (part.endswith("]") or part in {"Entry", "dataclass-args"})


_EXPECTED = {
    "Entry": "expected a method: its id, or `{id: parameters}`",
    "TaskEntry": "expected `{dataset: ..., host: ...}`",
}


def _sentence(document: Document, item: Any) -> str:
    path = _path(item)
    return f"{document.where(path)}: {'.'.join(map(str, path)) or 'plan'}: {_message(item, _home(path[:-1]))}"


def given(plan: Plan, entry: Entry) -> Given:
    """What the attacker of an entry is given: the plan's `attacker` with the entry's changes.

    Raises:
        PlanError: the changes are no threat model.
    """
    try:
        return TypeAdapter(Given).validate_python(changed(to_plain(plan.attacker), entry.given))
    except ValidationError as error:
        found = [
            f"given.{'.'.join(map(str, _path(item)))}: {_message(item, Given)}" for item in error.errors()
        ]
        raise PlanError(found) from error


def _message(item: Any, home: type) -> str:
    """What is wrong, in words; `home` is the class whose field it is."""
    message: str = item["msg"].removeprefix("Value error, ")
    if item["type"] == "unexpected_keyword_argument":
        message = f"unknown field{_nearest(str(item['loc'][-1]), home)}"
    elif item["type"] == "missing":
        message = "is missing"
    elif item["type"] == "dataclass_type":
        name = item["ctx"]["class_name"]
        message = _EXPECTED.get(name, "expected a mapping") + f", found {item['input']!r:.60}"
    elif item["type"] != "value_error":
        message = _plain(item) + f", found {item['input']!r:.60}"
    if item["loc"] == ("name",):
        message += (
            f"; it names a folder inside runs: up to {LONGEST} letters, digits, `_`, `-` and single `.`, and begins "
            "with a letter or digit"
        )
    return message


def _plain(item: Any) -> str:
    """pydantic's words in those of plans."""
    known = item.get("ctx", {})
    if item["type"] == "too_short":
        return f"expected at least {known['min_length']}"
    if item["type"] == "too_long":
        return f"expected at most {known['max_length']}"
    if item["type"] == "string_pattern_mismatch":
        return "expected another form" if item["loc"] != ("name",) else "expected a name"
    message = re.sub(r", (unable to|got) .*", "", item["msg"].replace("Input should be", "expected"))
    for theirs, ours in _THEIRS.items():
        message = message.replace(theirs, ours)
    return message


_THEIRS = {
    "a valid dictionary": "a mapping", "a valid mapping": "a mapping", "a valid tuple": "a list",
    "a valid list": "a list", "a valid string": "text", "a valid integer": "a whole number",
    "a valid number": "a number", "a valid boolean": "true or false",
}  # fmt: skip
_HOMES: dict[str, type] = {
    "attacker": Given, "split": Split, "verdict": VerdictRule, "removal": Removal, "trainer": TrainerOptions,
    "landscape": Landscape, "features": Features,
}  # fmt: skip


def _home(path: list[str | int]) -> type:
    """The class whose fields may stand at `path`."""
    if not path:
        return Plan
    if path[0] == "tasks" and len(path) == 2:
        return TaskEntry
    if path[:2] == ["verdict", "nulls"] and len(path) == 2:
        return Nulls
    return _HOMES[str(path[0])] if len(path) == 1 and path[0] in _HOMES else Entry


_WRITTEN = {"label": "as", "schemes": "for"}
"""Fields of an entry, as a plan writes them."""


def _nearest(name: str, home: type) -> str:
    fields = getattr(home, "__dataclass_fields__", {})
    known = [_WRITTEN.get(field, field) if home is Entry else field for field in fields]
    close = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
