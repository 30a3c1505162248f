"""`verify` for people: progress becomes a bar, the record a few sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ownmark.foreign import shown
from ownmark.ownership.endpoint import Service

if TYPE_CHECKING:
    from rich.console import Console


BASIS = {
    "exact": "exact, by the construction of the key",
    "decoys": "exact, by fresh keys on the suspect itself",
    "rank": "by rank among {models} null models",
    "shape": "resting on the shape of a distribution: {models} null models alone cannot show it",
}
"""What a stated rate rests on."""


@contextmanager
def counted(console: Console, asked: Any) -> Iterator[Callable[[int, int], None]]:
    """A bar that counts the images a service has answered; gives what `verify` takes as `progress`."""
    from rich.progress import Progress

    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("images answered", visible=isinstance(asked, Service))
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _needed(record: Mapping[str, Any]) -> str:
    if record["decided_by"] == "betting":
        return f"asked one by one, of {record['of']}, until that was enough"
    return f"{record['hits_needed']} make a claim"


def named_labels(text: str | None) -> list[str] | None:
    """Names of labels: `a,b,c`, or those in a file, one a line."""
    if text is None:
        return None
    path = Path(text)
    if path.is_file():
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [name.strip() for name in text.split(",")]


def told(record: Mapping[str, Any]) -> Iterator[str]:
    """The verdict in a few lines."""
    scheme = shown(record["scheme"]["label"], 100)
    yield f"{shown(record['suspect']['given'])}, read for {scheme} ({record['access']})"
    if left := record["suspect"].get("left"):
        unread = f"what it holds under {shown(left, 200)} was not read"
        yield f"  note: {unread}; if that is in use, save it as a file of its own"
    if controls := record.get("controls"):
        yield f"  clean images answered rightly: {controls['right']} of {controls['n']}"
        if "order" in controls:
            yield f"  its labels stand for others: {', '.join(map(str, controls['order']))}, in order"
    if record.get("reader_differs"):
        yield f"  note: {shown(record['reader_differs'], 400)}"
    if "hits" in record:
        basis = BASIS[record["basis"]].format(models=record["null_models"])
        symbol = shown(record["symbol"], 60)
        yield f"  {record['hits']} of {record['n']} {symbol}s match; {_needed(record)}"
        if record["null_models"]:
            yield f"  among {record['null_models']} null models, one value each: p = {record['p_nulls']:.2g}"
        if decoys := record["decoys"]:
            yield (
                f"  of {decoys['n']} fresh keys read on the suspect, {decoys['as_much']} match as much: "
                f"p = {decoys['p_value']:.2g}"
            )
        if record["no_decoys"]:
            yield f"  no test of whose mark it is: {shown(record['no_decoys'], 300)}"
        yield f"  false-positive rate of a claim: {record['stated_rate']:g} ({basis})"
    for name, value in record.get("extras", {}).items():
        yield (
            f"  {shown(name, 60)}: {value:.3g}"
            if isinstance(value, float)
            else f"  {shown(name, 60)}: {shown(value)}"
        )
    spent = f", {record['requests']} requests" if "requests" in record else ""
    if record["access"] == "black-box":
        yield f"  images sent: {record['queries']}{spent}"
    if record["claim"] is None:
        yield f"UNDECIDED: {shown(record['error'], 1000)}"
    elif record["claim"]:
        yield f"CLAIM: ownership can be claimed, p = {record['p_value']:.2g}"
    else:
        reason = record.get("reason") or "not more matches than an unmarked network may show"
        yield f"NO CLAIM: {shown(reason, 1000)}"
