"""The user's own objects for Lightning."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from typing import Any

from ownmark.errors import PlanError
from ownmark.importing import named
from ownmark.runner.fitting import Place
from ownmark.runner.plan import Entry, Plan
from ownmark.runner.preflight.walking import Found


def lightning(plan: Plan) -> Iterator[tuple[Place, Entry]]:
    """Entries for Lightning's objects, each with its place."""
    yield from ((("trainer", "callbacks", i), entry) for i, entry in enumerate(plan.trainer.callbacks))
    if plan.trainer.logger is not None:
        yield ("trainer", "logger"), plan.trainer.logger


def installed(package: str) -> bool:
    """Whether a top-level package can be found; imports nothing."""
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def of_lightning(plan: Plan) -> Iterator[Found]:
    """Objects for Lightning that cannot be made; this imports and runs what the plan names."""
    for place, entry in lightning(plan):
        yield from ((place, problem) for problem in _import_problems(entry))


def _import_problems(entry: Entry) -> Iterator[str]:
    try:
        instantiate(entry)
    except PlanError as error:
        yield from error.problems
    except Exception as error:
        yield f"cannot make {entry.id!r}: {type(error).__name__}: {error}"


def instantiate(entry: Entry) -> Any:
    """The user's Lightning object `package.module:Class` with the entry's parameters."""
    if not entry.id.partition(":")[2]:
        raise PlanError([f"{entry.id!r}: write it as package.module:Class"])
    return named(entry.id)(**entry.params)


def trainer_options(plan: Plan) -> dict[str, Any]:
    """Keyword arguments for `Fitter`: a logger for the stage, and callbacks made anew for each training in it."""
    logger = instantiate(plan.trainer.logger) if plan.trainer.logger else None
    return {
        "callbacks": lambda: tuple(instantiate(entry) for entry in plan.trainer.callbacks),
        "logger": logger,
    }
