"""What the user sees while a plan runs: a live line with an ETA on a terminal, plain lines elsewhere."""

from __future__ import annotations

import builtins
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from ownmark.foreign import shown
from ownmark.stats.above import rests_above, why_above
from ownmark.wording import counted

_LINES = 8
"""Running stages that are shown, at most."""


class Silent:
    """Says nothing."""

    def checking(self, cells: int) -> None:
        """See `Progress`."""

    def plan(self, stages: Mapping[str, str], cells: int) -> None:
        """See `Progress`."""

    def stage(self, kind: str, label: str) -> None:
        """See `Progress`."""

    def step(self, step: int, steps: int) -> None:
        """See `Progress`."""

    def finished(self, digest: str, kind: str, seconds: float) -> None:
        """See `Progress`."""

    def cell(self, record: Mapping[str, Any]) -> None:
        """See `Progress`."""

    def running(self, stages: Sequence[str]) -> None:
        """See `Progress`."""

    def note(self, message: str) -> None:
        """See `Progress`."""


class Estimate:
    """Time left: for each kind of stage, how many are missing times what one took so far."""

    def __init__(self) -> None:
        self.workers = 1
        self._missing: dict[str, str] = {}
        self._took: dict[str, list[float]] = defaultdict(list)

    def start(self, missing: Mapping[str, str]) -> None:
        """Digests of the stages still to compute, with their kinds."""
        self._missing = dict(missing)

    def finished(self, digest: str, kind: str, seconds: float) -> None:
        """One stage less."""
        self._missing.pop(digest, None)
        self._took[kind].append(seconds)

    def seconds(self) -> float | None:
        """Seconds left; None while a kind of stage that costs something has never been seen."""
        everything = [seconds for took in self._took.values() for seconds in took]
        if not everything:
            return None if self._missing else 0.0
        mean = sum(everything) / len(everything)
        costs = {kind: sum(took) / len(took) for kind, took in self._took.items()}
        return sum(costs.get(kind, mean) for kind in self._missing.values()) / self.workers


class Terminal(Silent):
    """One live line for the running stage and one for the whole plan; finished cells scroll by above.

    Without a terminal, a plain line for each stage and cell.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = (
            Live(console=console, refresh_per_second=8, transient=True) if console.is_terminal else None
        )
        self._estimate = Estimate()
        self._cells = self._done = 0
        self._stage = ""
        self._share = ""
        self._shown = 0.0

    def __enter__(self) -> Terminal:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def checking(self, cells: int) -> None:
        """See `Progress`."""
        self._console.print(f"checking {counted(cells, 'cell')}")

    def plan(self, stages: Mapping[str, str], cells: int) -> None:
        """See `Progress`."""
        self._estimate.start(stages)
        self._cells = cells
        self._console.print(f"{counted(cells, 'cell')}, {counted(len(stages), 'stage')} to compute")

    def stage(self, kind: str, label: str) -> None:
        """See `Progress`."""
        self._stage, self._share = shown(f"{kind:9s} {label}"), ""
        self._draw(force=True)

    def step(self, step: int, steps: int) -> None:
        """See `Progress`."""
        self._share = f" {step}/{steps} steps"
        self._draw()

    def finished(self, digest: str, kind: str, seconds: float) -> None:
        """See `Progress`."""
        self._estimate.finished(digest, kind, seconds)
        if self._live is None and seconds > 0.5:
            self._console.print(Text(f"  {self._stage} ({seconds:.1f} s)"))

    def cell(self, record: Mapping[str, Any]) -> None:
        """See `Progress`."""
        self._done += 1
        cell = record["cell"]
        name = f"{cell['task']} {cell['scheme']['label']} {cell['attack']['label']} seed {cell['seed']}"
        self._console.print(Text(shown(f"[{self._done}/{self._cells}] {name}: {outcome(record)}", 1000)))
        self._draw(force=True)

    def note(self, message: str) -> None:
        """See `Progress`."""
        self._console.print(Text(f"note: {shown(message, 1000)}", style="yellow"))

    def running(self, stages: Sequence[str]) -> None:
        """See `Progress`."""
        self._estimate.workers = max(1, len(stages))
        lines = [shown(label) for label in stages[:_LINES]]
        more = [f"and {len(stages) - _LINES} more"] if len(stages) > _LINES else []
        self._stage, self._share = "\n".join([*lines, *more]), ""
        self._draw()

    def _draw(self, force: bool = False) -> None:
        now = time.monotonic()
        if self._live is None or (not force and now - self._shown < 0.1):
            return
        self._shown = now
        left = self._estimate.seconds()
        eta = "" if left is None else f", about {duration(left)} left"
        self._live.update(
            Text(f"{self._stage}{self._share}\n{self._done}/{self._cells} cells{eta}", style="dim")
        )


def outcome(record: Mapping[str, Any]) -> str:
    """One line on a finished cell."""
    if record["status"] == "failed":
        return f"FAILED: {_failure(record['error'])}"
    if record["status"] == "n/a":
        return f"n/a: {_first_line(record['reason']['message'])}"
    verdict, evidence, utility = record["verdict"], record["evidence"], record["utility"]
    value = "nan" if utility["suspect"] is None else f"{utility['suspect']:.3f}"
    if "unreadable" in evidence:
        return f"{utility['metric']} {value}, {record['removal']['outcome']}: {_first_line(evidence['unreadable'])}"
    claim = {True: "claim", False: "no claim", None: "undecided"}[verdict["claim"]]
    above = f", {why_above(verdict)}" if rests_above(verdict) == "shape" else ""
    return (
        f"{utility['metric']} {value}, "
        f"{evidence['hits']}/{evidence['n']} {evidence['symbol']}s match, "
        f"{claim} (p = {verdict['p_value']:.2g}{above}), {record['removal']['outcome']}"
    )


def _failure(error: Mapping[str, Any]) -> str:
    """The message; of an error of Python's own with its type, since a message of `'seed'` alone says nothing."""
    line, kind = _first_line(error["message"] or "error"), str(error.get("type", ""))
    return f"{kind}: {line}" if hasattr(builtins, kind) else line


def _first_line(text: str) -> str:
    return next(iter(text.splitlines()), "no reason given")


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
