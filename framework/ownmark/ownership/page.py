"""The page of an evidence folder: what was found, for somebody who has never heard of it; no scripts."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from ownmark.foreign import shown

_HEAD = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Evidence of ownership</title><style>'
    "body{font:16px/1.5 sans-serif;max-width:44em;margin:2em auto;padding:0 1em}"
    "td{padding:.2em 1em .2em 0;vertical-align:top}</style>"
)
_HOW = (
    "The owner's secret key asks the suspect for labels (or reads its weights), and so do fresh keys that were drawn "
    "in the same way. A network that knows nothing of the owner's key cannot tell it from the others: how often it "
    "fares best is known exactly. Clean images come first, since a service that does not know the task proves nothing.",
    "The verdict can be recomputed with `ownmark judge FOLDER`, and with the suspect at hand, `ownmark judge FOLDER "
    "SUSPECT`. Every file's SHA-256 stands in sums.json.",
)


def page(record: Mapping[str, Any]) -> str:
    """The verdict's record as HTML; everything that came from elsewhere is escaped."""
    cells = ((escape(name), escape(shown(str(value), 400))) for name, value in _rows(record))
    rows = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in cells)
    how = "".join(f"<p>{escape(text)}</p>" for text in _HOW)
    return f"{_HEAD}<h1>{escape(_verdict(record))}</h1><table>{rows}</table><h2>How to read this</h2>{how}</html>\n"


def _verdict(record: Mapping[str, Any]) -> str:
    return {True: "The claim holds", False: "No claim", None: "Undecided"}[record["claim"]]


def _needed(record: Mapping[str, Any]) -> str:
    if record["decided_by"] == "betting":
        return f"asked one by one, of {record['of']}, until that was enough"
    return f"{record['hits_needed']} are needed"


def _rows(record: Mapping[str, Any]) -> list[tuple[str, Any]]:
    decoys, controls, derived = (record.get(name) for name in ("decoys", "controls", "derived"))
    rows: list[tuple[str, Any]] = [
        ("suspect", record["suspect"]["given"]), ("scheme", record["scheme"]["id"]), ("access", record["access"]),
    ]  # fmt: skip
    if controls:
        rows.append(("clean images answered rightly", f"{controls['right']} of {controls['n']}"))
    if "hits" in record:
        rows += [
            ("symbols that match", f"{record['hits']} of {record['n']}; {_needed(record)}"),
            ("stated rate of false claims", f"{record['stated_rate']:g} (rests on: {record['basis']})"),
            ("p-value", f"{record['p_value']:.3g}"),
        ]  # fmt: skip
    if decoys:
        rows.append(("fresh keys that match as much", f"{decoys['as_much']} of {decoys['n']}"))
    if reason := record.get("reason") or record.get("error") or record.get("no_decoys"):
        rows.append(("note", reason))
    rows.append(
        ("key", derived["key"] if derived else "chosen by its owner, who may have fitted it to networks")
    )
    return rows
