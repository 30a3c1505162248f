"""Whose copy is this suspect? Every buyer's mark is asked, at a rate divided by their number.

Each of B verdicts is wrong with a probability of at most rate / B (Bonferroni), so that an innocent is named with at
most the stated rate, whatever the suspect is: unmarked, or the copy of another buyer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ownmark.discovery import Catalog, discover
from ownmark.errors import OwnmarkError, Unreadable
from ownmark.foreign import shown
from ownmark.ownership.asked import Answers, require_sense
from ownmark.ownership.copies import read_copies
from ownmark.ownership.facing import Faced, Given, face
from ownmark.ownership.folder import Release
from ownmark.ownership.mine import is_mine
from ownmark.ownership.trust import require_plain
from ownmark.ownership.verifying import verify
from ownmark.runner.device import device_called


def trace(
    copies: Path,
    suspect: Given,
    *,
    reader: str = "default",
    rate: float = 0.05,
    budget: int | None = None,
    device: str = "auto",
    trust: bool = False,
    trust_mark: bool = False,
    labels: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    catalog: Catalog | None = None,
) -> dict[str, Any]:
    """Which buyers' copies a suspect was made from, as a JSON-ready record.

    Args:
        copies: folder that `embed_copies` made. rate: of naming anybody wrongly, in the whole question.
        suspect and the rest: as for `verify`. A service is asked the same clean images once.

    Returns: `named`: buyers, those with most evidence first; `claim`: whether there is one, None if nothing can be
        told; `buyers`: for each, `claim`, `hits`, `n`, `p_value` and `p_corrected`, or `error`; `rate`, `each`.

    Raises:
        As `verify`.
    """
    require_sense(rate, budget)
    catalog, where = catalog or discover(), device_called(device)
    require_copies(copies)
    marks = read_copies(copies)
    first = next(iter(marks.values()))
    release = Release.read(first / "released")
    if not (trust or trust_mark or is_mine(first)):
        require_plain(release, catalog, str(first), "--trust-mark")
    each = rate / len(marks)
    options: dict[str, Any] = {
        "reader": reader, "rate": each, "budget": budget, "device": device, "trust": trust, "trust_mark": trust_mark,
        "labels": labels, "catalog": catalog, "sparing": True,
    }  # fmt: skip
    try:
        faced = _remembering(face(suspect, release, catalog, where, budget, progress, trust, labels))
    except Unreadable as error:
        unreadable = {"claim": False, "unreadable": str(error)}
        return _record({"given": str(suspect)}, dict.fromkeys(marks, unreadable), rate)
    found = {buyer: verify(mark, suspect, faced=faced, **options) for buyer, mark in marks.items()}
    return _record(faced.about, {buyer: _row(one, len(marks)) for buyer, one in found.items()}, rate)


def told(record: Mapping[str, Any], most: int = 5) -> Iterator[str]:
    """The answer in a few lines."""
    rows = record["buyers"]
    yield f"{shown(record['suspect']['given'])}, asked for {len(rows)} copies"
    read = sorted((row for row in rows if "hits" in row), key=_strength)
    for row in read[: max(most, len(record["named"]))]:
        yield (
            f"  {shown(row['buyer'], 60)}: {row['hits']} of {row['n']} match, p = {row['p_corrected']:.2g} "
            f"({len(rows)} buyers counted)"
        )
    if len(read) > max(most, len(record["named"])):
        yield f"  and {len(read) - max(most, len(record['named']))} with less"
    yield f"  rate of naming anybody wrongly: {record['rate']:g}, {record['each']:.2g} for each buyer"
    if record["named"]:
        several = "COPIES OF" if len(record["named"]) > 1 else "COPY OF"
        yield f"{several} {', '.join(shown(name, 60) for name in record['named'])}"
    elif record["claim"] is None:
        yield f"UNDECIDED: {shown(record['error'], 1000)}"
    else:
        yield f"NOBODY'S COPY: {shown(record['reason'], 1000)}"


def _record(about: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]], rate: float) -> dict[str, Any]:
    listed = [{"buyer": buyer, **row} for buyer, row in rows.items()]
    named = sorted((row for row in listed if row["claim"]), key=_strength)
    errors = [str(row["error"]) for row in listed if row.get("error")]
    reasons = [str(row["unreadable"]) for row in listed if row.get("unreadable")]
    claim = True if named else None if errors else False
    return {
        "suspect": dict(about), "rate": rate, "each": rate / len(listed), "named": [row["buyer"] for row in named],
        "claim": claim, "buyers": listed, "error": next(iter(errors), ""),
        "reason": next(iter(reasons), "no buyer's mark matches more than an unmarked network may show"),
    }  # fmt: skip


def _row(record: Mapping[str, Any], buyers: int) -> dict[str, Any]:
    row = {name: record[name] for name in ("claim", "hits", "n", "p_value", "p_decoys") if name in record}
    if "p_value" in record:
        row["p_corrected"] = min(1.0, record["p_value"] * buyers)
    return row | {name: record[name] for name in ("error", "reason", "unreadable") if record.get(name)}


def _strength(row: Mapping[str, Any]) -> tuple[float, float]:
    return row.get("p_value", 1.0), -row.get("hits", 0) / max(1, row.get("n", 1))


def _remembering(faced: Faced) -> Faced:
    """A suspect that is asked the same images once: clean images are the same for all buyers."""
    if faced.endpoint is None and faced.network is None:
        return faced  # a function answers as it likes
    answers: dict[str, Any] = {}

    def answer(x: Tensor) -> Any:
        pixels = x.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes()
        name = hashlib.sha256(str(tuple(x.shape)).encode() + pixels).hexdigest()
        if name not in answers:
            answers[name] = asks(x)
        return answers[name]

    asks: Answers = faced.answer
    return replace(faced, answer=answer)


def require_copies(folder: Path) -> None:
    """The folder holds copies.

    Raises:
        OwnmarkError: it is the folder of one mark.
    """
    if (folder / "owner").is_dir():
        raise OwnmarkError(f"{folder}: is one mark, not copies for buyers; ask it with `ownmark verify`")
