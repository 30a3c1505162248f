"""One cell of the matrix as lines of text with a tone, the same for terminal, Markdown, HTML and heat map."""

from __future__ import annotations

from typing import Literal, NamedTuple

from ownmark.report.aggregate import Grid, Group, Mean, mean
from ownmark.report.fields import dig, number, section
from ownmark.report.naming import Axis
from ownmark.report.numbers import decimals, estimate, p_text
from ownmark.stats.above import rests_above

Tone = Literal["plain", "good", "bad", "warn", "muted"]


class Line(NamedTuple):
    """A line of a cell. Tones only repeat what the words say: good is good for the owner."""

    text: str
    tone: Tone = "plain"


OUTCOMES: dict[str, tuple[str, Tone]] = {
    "removed": ("✗ REMOVED", "bad"),
    "unreadable": ("✗ UNREADABLE", "bad"),
    "survived": ("✓ survived", "good"),
    "utility-lost": ("~ utility lost", "warn"),
    "never-marked": ("! never marked", "warn"),
    "undecided": ("? undecided", "warn"),
}
WHOLE = 0.9
"""An attack that could change fewer of the weights than this has shown little by failing."""
SHORT = {"accuracy": "acc"}


def cell_lines(group: Group | None) -> tuple[Line, ...]:
    """Utility, evidence, verdict with p-value, removal, a forger's claims; then what failed and what has not run."""
    if group is None:
        return (Line("not planned", "muted"),)
    lines = [
        *_utility(group),
        *_evidence(group),
        *_verdict(group),
        *_removal(group),
        *_reach(group),
        *_watched(group),
        *_rival(group),
    ]
    total = len(group.ok) + len(group.failed) + len(group.missing)
    if group.failed:
        lines.append(Line(f"✗ FAILED {len(group.failed)}/{total}", "bad"))
    if group.missing:
        lines.append(Line(f"… not run {len(group.missing)}/{total}", "warn"))
    if group.impossible:
        lines.append(Line("n/a", "muted"))
    return tuple(lines)


def row_lines(row: Axis, grid: Grid) -> tuple[Line, ...]:
    """The name of a row, how its mark is read, and the utility of the host and the marked model."""
    group = grid.row(row)
    lines = [Line(row.name)]
    access, count, symbol = (group.first("evidence", name) for name in ("access", "n", "symbol"))
    if access is not None:
        lines.append(Line(str(access), "muted"))
    if count is not None:
        lines.append(Line(f"{count} {symbol or 'symbol'}s", "muted"))
    for name in ("host", "marked"):
        if (value := group.mean("utility", name)) is not None:
            lines.append(Line(f"{name} {decimals(value.value)}", "muted"))
    return tuple(lines)


def evidence_name(group: Group) -> str:
    """BER for bits, WM for labels, else matches."""
    symbol = group.first("evidence", "symbol")
    return {"bit": "BER", "label": "WM"}.get(str(symbol), "matches")


def evidence_value(group: Group, part: str = "evidence") -> Mean | None:
    """The evidence in the measure that `evidence_name` names: errors of bits, matches of labels."""
    bits = evidence_name(group) == "BER"
    rates = (_rate(record, part) for record in group.ok)
    return mean(rate if not bits or rate is None else 1 - rate for rate in rates)


def utility_name(group: Group) -> str:
    """The utility's metric; an arrow where lower is better."""
    metric = str(group.first("utility", "metric") or "utility")
    falling = group.first("utility", "higher_is_better") is False
    return SHORT.get(metric, metric) + ("↓" if falling else "")


def claim_text(group: Group) -> str:
    """ "claim 3/3" over seeds, "claim" or "no claim" for one; empty without a verdict."""
    claims = group.claims()
    if claims is None:
        return ""
    if claims[1] == 1:
        return "claim" if claims[0] else "no claim"
    return f"claim {claims[0]}/{claims[1]}"


def _rate(record: object, part: str) -> float | None:
    rate, hits, count = (number(record, part, name) for name in ("rate", "hits", "n"))
    return rate if rate is not None or hits is None or not count else hits / count


def _utility(group: Group) -> list[Line]:
    suspect = group.mean("utility", "suspect")
    return [] if suspect is None else [Line(f"{utility_name(group)} {estimate(suspect)}")]


def _evidence(group: Group) -> list[Line]:
    served, bare = evidence_value(group), evidence_value(group, "evidence_bare")
    name = evidence_name(group)
    if served is None:
        return []
    if bare is None:
        return [Line(f"{name} {estimate(served)}")]
    return [Line(name), Line(f"served {estimate(served)}"), Line(f"weights {estimate(bare)}")]


def _verdict(group: Group) -> list[Line]:
    claims = group.claims()
    if claims is None:
        return [Line("no verdict", "muted")] if group.ok else []
    values = [p for record in group.ok if (p := number(record, "verdict", "p_value")) is not None]
    text = claim_text(group)
    if values:
        text += " " + _extreme(values, claimed=claims[0] > 0)
    if above := {rests_above(section(record, "verdict")) for record in group.ok} - {""}:
        text += f" ({', '.join(sorted(above))})"
    return [Line(text, "plain" if claims[0] else "warn")]


def _extreme(values: list[float], claimed: bool) -> str:
    if len(values) == 1:
        return p_text(values[0])
    return p_text(max(values), "≤") if claimed else p_text(min(values), "≥")


def _removal(group: Group) -> list[Line]:
    counts = group.outcomes()
    lines = []
    for outcome in sorted(counts, key=lambda name: [*OUTCOMES, name].index(name)):
        words, tone = OUTCOMES.get(outcome, (outcome, "plain"))
        count = f" {counts[outcome]}/{len(group.ok)}" if len(group.ok) > 1 else ""
        lines.append(Line(words + count, tone))
    return lines


def _reach(group: Group) -> list[Line]:
    """A mark that survived an attack that could not touch the network: the exhibit `reach`, a share of the weights."""
    reached = [reach for record in group.ok if (reach := number(record, "exhibits", "reach")) is not None]
    if not reached or min(reached) >= WHOLE or "survived" not in group.outcomes():
        return []
    return [Line(f"reached {min(reached):.0%} of the weights", "warn")]


def _watched(group: Group) -> list[Line]:
    """A scheme or an attack that opened files or connections; `reached` in the record says which."""
    stages = {"marked": "scheme", "suspect": "attack"}
    found = {stage for record in group.ok for stage in section(record, "reached")}
    return [
        Line(f"{stages[stage]} reached beyond what it was handed", "warn")
        for stage in stages
        if stage in found
    ]


def _rival(group: Group) -> list[Line]:
    """What a forger's own key reads, and how often it may claim: exhibits `forged_hits`, `_n` and `_claim`."""
    counts = [[number(r, "exhibits", f"forged_{name}") for name in ("hits", "n", "claim")] for r in group.ok]
    rates = [hits / n for hits, n, _ in counts if hits is not None and n]
    if not rates:
        return []
    claims = [claim for *_, claim in counts if claim is not None]
    text = f"claim {sum(claims):g}/{len(claims)}" if claims else "no threshold"
    return [Line(f"forger {decimals(sum(rates) / len(rates))}, {text}", "warn" if any(claims) else "plain")]


def unreadable(grid: Grid) -> list[str]:
    """One sentence for each cell whose suspect could not be read: where, and why."""
    return [
        f"{row.name} × {column.name}, seed {record['cell'].get('seed')}: cannot be read: {_first(why)}"
        for row in grid.rows
        for column in grid.columns
        for record in (grid.group(row, column) or Group((), ())).ok
        if (why := dig(record, "evidence", "unreadable"))
    ]


def impossible(grid: Grid) -> list[str]:
    """One sentence for each scheme or attack that does not fit the task's host, with the reason."""
    reasons = [
        (
            row.name if record["reason"].get("kind") == "scheme" else column.name,
            record["reason"].get("message"),
        )
        for row in grid.rows
        for column in grid.columns
        for record in (grid.group(row, column) or Group((), ())).impossible
    ]
    return [f"{name} is not applicable here: {_first(why)}" for name, why in dict.fromkeys(reasons)]


def failures(grid: Grid) -> list[str]:
    """One sentence for each failed cell: where, at which stage, and the first line of its error."""
    sentences = []
    for row in grid.rows:
        for column in grid.columns:
            group = grid.group(row, column)
            for record in group.failed if group else ():
                sentences.append(
                    f"{row.name} × {column.name}, seed {record['cell'].get('seed')}: {_error(record)}"
                )
    return sentences


def _first(message: object) -> str:
    return (str(message or "").strip().splitlines() or ["no message"])[0]


def _error(record: object) -> str:
    error = section(record, "error")
    first = _first(error.get("message"))
    stage = f" (stage {error['stage']})" if error.get("stage") else ""
    return f"{error.get('type') or 'error'}: {first}{stage}"
