"""`verify` for people: options become a service, progress a bar, the record a few sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ownmark.errors import OwnmarkError
from ownmark.ownership.endpoint import Service
from ownmark.ownership.verifying import verify

if TYPE_CHECKING:
    from rich.console import Console


def ask(
    mark: Path,
    suspect: str,
    reader: str,
    rate: float | None,
    budget: int | None,
    device: str,
    headers: Sequence[str],
    options: Mapping[str, Any],
    console: Console,
) -> dict[str, Any]:
    """`verify` with a bar that counts the images a service has answered.

    Args:
        headers: `NAME:VALUE` each. options: further fields of `Service`.
    """
    from rich.progress import Progress

    asked: str | Service = suspect
    if suspect.startswith(("http://", "https://")):
        asked = Service(suspect, dict(_header(one) for one in headers), **options)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("images answered", visible=isinstance(asked, Service))

        def progress(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of)

        return verify(mark, asked, reader=reader, rate=rate, budget=budget, device=device, progress=progress)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise OwnmarkError(f"--header {text!r}: expected NAME:VALUE")
    return name.strip(), value.strip()


def _printable(text: str) -> str:
    """Text that was read out of a suspect, without what would steer a terminal."""
    return "".join(letter if letter.isprintable() else "·" for letter in text)


def told(record: Mapping[str, Any]) -> Iterator[str]:
    """The verdict in a few lines."""
    subject = f"{record['suspect']['given']}, read for {record['scheme']['label']} ({record['access']})"
    yield subject
    if controls := record.get("controls"):
        yield f"  clean images answered rightly: {controls['right']} of {controls['n']}"
    if "hits" in record:
        basis = f"{record['rule']} rule, {record['null_models']} null models"
        yield f"  {record['hits']} of {record['n']} {record['symbol']}s match; {record['hits_needed']} make a claim"
        yield f"  false-positive rate of a claim: {record['stated_rate']:g} ({basis})"
    for name, value in record.get("extras", {}).items():
        yield f"  {name}: {value:.3g}" if isinstance(value, float) else f"  {name}: {_printable(value)}"
    spent = f", {record['requests']} requests" if "requests" in record else ""
    if record["access"] == "black-box":
        yield f"  images sent: {record['queries']}{spent}"
    if record["claim"] is None:
        yield f"UNDECIDED: {record['error']}"
    elif record["claim"]:
        yield f"CLAIM: ownership can be claimed, p = {record['p_value']:.2g}"
    else:
        yield f"NO CLAIM: {record.get('reason') or 'not more matches than an unmarked network may show'}"
