"""Plans changed at random: each is run-ready or refused in sentences with a line, soon, and nothing else happens."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.hostile.mutating import mutated

from ownmark.config import to_plain
from ownmark.discovery import Catalog, discover
from ownmark.errors import OwnmarkError, PlanError
from ownmark.runner.session import prepare

SEED = os.environ.get("OWNMARK_MUTATION_SEED", "0")
LONGEST = 30.0
"""Seconds that a preflight may take."""
LARGEST = 2**64
"""What a number of a plan may be: seeds are the largest."""


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return discover()


class Hang(BaseException):
    """A preflight took too long. No `Exception`, which the preflight may well catch."""


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Break off what takes more than so many seconds of this process's time, whatever else the machine does."""

    def ring(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def outcome(text: str, folder: Path, catalog: Catalog) -> str:
    """`ready`, `refused`, or what went wrong."""
    plan = folder / "p.yaml"
    plan.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        with alarm(LONGEST):
            session = prepare(plan, folder / "run", folder / "store", "cpu", None, catalog)
        absurd = sorted(str(one) for one in numbers(to_plain(session.plan)) if not abs(one) <= LARGEST)
        said = f"ready, with {absurd}" if absurd else "ready"
    except PlanError as error:
        named = all(problem.startswith(str(plan)) and len(problem) < 5000 for problem in error.problems)
        said = "refused" if named and error.problems else f"without a place: {error.problems}"
    except OwnmarkError as error:
        said = f"not as a problem of the plan: {error}"
    except Hang:
        said = "hang"
    except Exception as error:
        said = f"traceback: {type(error).__name__}: {error}"
    return said


def numbers(value: Any) -> Iterator[float]:
    """All numbers in a plan."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from numbers(inner)
    elif isinstance(value, int | float):
        yield value


def counted(which: range, folder: Path, catalog: Catalog) -> dict[str, Any]:
    found: dict[str, Any] = {"ready": 0, "refused": 0, "wrong": {}}
    for number in which:
        said = outcome(mutated(f"{SEED} {number}"), folder, catalog)
        if "hang" in said.lower():  # wherever the alarm was caught
            print(f"hang: plan {SEED} {number}", flush=True)
        if said in ("ready", "refused"):
            found[said] += 1
        else:
            found["wrong"][number] = said[:300]
    return found


def test_mutated_plans_are_ready_or_refused(tmp_path: Path, catalog: Catalog) -> None:
    found = counted(range(60), tmp_path, catalog)
    assert not found["wrong"]
    assert found["ready"] > 0
    assert found["refused"] > 30


@pytest.mark.slow
def test_ten_thousand_mutated_plans_are_ready_or_refused(tmp_path: Path, catalog: Catalog) -> None:
    found = counted(range(int(os.environ.get("OWNMARK_MUTATIONS", "10000"))), tmp_path, catalog)
    print(found)
    assert not found["wrong"]
