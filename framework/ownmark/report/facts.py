"""What stands below a matrix: how claims are decided, what counts as a removal, what attackers were given."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ownmark.report.aggregate import Grid, Group, mean
from ownmark.report.blocks import Table, table
from ownmark.report.fields import Record, canonical, is_number, number, pair, section
from ownmark.report.numbers import estimate, interval_text, short, span
from ownmark.stats.above import rests_above, why_above

LEGEND = (
    "Rates are fractions of 1. BER: share of wrong message bits; WM: share of triggers answered as the key says. "
    "± is half of the 95 % t interval over seeds; claims and outcomes are counts of seeds, p the largest over "
    "seeds (≤), or the smallest where no seed is claimed (≥). A rate rests on the exact law of a key, on fresh keys "
    "read on the suspect itself (decoys: how many match as much as the owner's), on the rank among null models, or "
    "only on the shape of a distribution; (public): all keys of the scheme share a pattern, which says that a mark "
    "is there, not whose."
)


def thresholds(grid: Grid) -> Table:
    """Per row: the threshold, the stated false-positive rate, and the rate that the null models showed."""
    header = ["scheme", "θ (hits/n)", "stated", "rule", "nulls / pairs", "null mean", "measured on nulls"]
    rows = [[row.name, *_threshold(grid.row(row))] for row in grid.rows]
    for title, told in (
        ("rests on", _rests_on),
        ("decoys", _whose),
        ("key, bits", _worth),
        ("highest at any epoch", _vanilla),
        ("S of no match", _floor),
    ):
        found = [told(grid.row(row)) for row in grid.rows]
        if any(found):
            header.append(title)
            rows = [[*row, text or "–"] for row, text in zip(rows, found, strict=True)]
    return table(header, rows)


def contradicted(grid: Grid) -> list[str]:
    """Rows whose null models show a rate above the stated one: even the interval's lower end is above."""
    return [
        f"! {row.name}: its null models are claimed more often than the stated rate; do not trust its claims."
        for row in grid.rows
        if any(_is_contradicted(record) for record in grid.row(row).ok)
    ]


def above(grid: Grid) -> list[str]:
    """Rows with claims whose p lies above their stated rate, and what these rest on."""
    by_decoys = [
        f"! {row.name}: claims marked (decoys) are made by fresh keys read on the suspect, as `tests: decoys` asks, "
        "and stand at their stated rate by these. The p beside them is that of the key's exact law, and lies above it."
        for row in grid.rows
        if any(rests_above(section(record, "verdict")) == "decoys" for record in grid.row(row).ok)
    ]
    return by_decoys + [
        f"! {row.name}: claims marked (shape) have a p above their stated rate. They rest {said}. `ownmark "
        "verify` claims nothing on that ground."
        for row in grid.rows
        for said in _distinct(
            why_above(section(record, "verdict"))
            for record in grid.row(row).ok
            if rests_above(section(record, "verdict")) == "shape"
        )
    ]


def stated_rates(group: Group) -> str:
    """The stated false-positive rate(s) as text; "–" if no verdict states one."""
    rates = _distinct(number(record, "verdict", "stated_rate") for record in group.ok)
    return ", ".join(short(rate) for rate in rates) or "–"


def notes(grid: Grid) -> list[str]:
    """What records say of their data, each sentence once."""
    given = (record.get("notes") for record in grid.everything().records)
    return list(dict.fromkeys(str(note) for found in given if isinstance(found, list) for note in found))


def criteria(grid: Grid) -> list[str]:
    """Each removal criterion of the plan in words."""
    return [
        _criterion(c) for c in _distinct(section(record, "removal", "criterion") for record in _ok(grid)) if c
    ]


def attackers(grid: Grid) -> Table:
    """Per attack: what it was given and what it cost."""
    rows = []
    for column in grid.columns:
        group = grid.column(column)
        if not column.unattacked:
            given = dict.fromkeys(granted(section(record, "granted")) for record in group.records)
            words = "; or ".join(given) or "not recorded"
            seen = group.mean("cost", "samples_seen")
            seconds = estimate(group.mean("cost", "seconds", "attacked"))
            epochs = mean(_host_epochs(record) for record in group.ok)
            rows.append(
                (column.name, words, seconds, "–" if seen is None else f"{seen.value:.0f}", estimate(epochs))
            )
    header = (
        "attack",
        "the attacker was given",
        "seconds",
        "samples trained on",
        "in epochs of the host's training",
    )
    return table(header, rows)


def _host_epochs(record: Record) -> float | None:
    """Samples that the attack trained on, in passes over the owner's data."""
    seen, epoch = number(record, "cost", "samples_seen"), number(record, "cost", "host_epoch")
    return None if seen is None or not epoch else seen / epoch


def granted(given: Mapping[str, Any]) -> str:
    """What one attacker had, in words."""
    if not given:
        return "not recorded"
    data, labels = given.get("data"), given.get("labels")
    words = "no data"
    if data:
        kind = {True: "labelled ", False: "unlabelled "}.get(bool(labels), "") if labels is not None else ""
        share = is_number(data) and 0 < data < 1
        words = f"a share of {short(data)} of the {kind}samples" if share else f"{data} {kind}samples"
        words += f" ({given['source']})" if given.get("source") else ""
    words += f", {given['transfer']} transfer samples" if given.get("transfer") else ""
    words += f", {given['copies']} marked copies" if (number(given, "copies") or 1) > 1 else ""
    return words + _answers(given)


def _answers(given: Mapping[str, Any]) -> str:
    """Nothing for an attacker with the weights."""
    if given.get("access", "weights") == "weights":
        return ""
    limit = f", at most {given['queries']} queries" if given.get("queries") else ""
    return f", answers only ({given['access']}{limit})"


def _threshold(group: Group) -> tuple[str, ...]:
    verdicts = [section(record, "verdict") for record in group.ok if section(record, "verdict")]
    counts = [(number(v, "null_models"), number(v, "null_pairs")) for v in verdicts]
    nulls = [
        f"{models:.0f} / {'–' if pairs is None else f'{pairs:.0f}'}"
        for models, pairs in counts
        if models is not None
    ]
    return (
        _theta(group),
        stated_rates(group),
        ", ".join(_distinct(str(v["rule"]) for v in verdicts if v.get("rule"))) or "–",
        ", ".join(_distinct(nulls)) or "–",
        span(number(v, "null_mean") for v in verdicts),
        _measured(verdicts),
    )


def _rests_on(group: Group) -> str:
    """What the stated rate rests on; nothing for records of version 0.1."""
    found = (section(record, "verdict").get("basis") for record in group.ok)
    return ", ".join(_distinct(basis for basis in found if basis))


def _whose(group: Group) -> str:
    """How many decoys match as much as the owner's key, at most over a row's claimed suspects."""
    verdicts = [section(record, "verdict") for record in group.ok]
    told = [v for v in verdicts if v.get("claim")] or verdicts
    counts = [(number(v, "decoys", "as_much"), number(v, "decoys", "n")) for v in told]
    found = [(much, n) for much, n in counts if much is not None and n is not None]
    if not found:
        return "none drawn" if any(v.get("no_decoys") for v in verdicts) else ""
    much, n = max(found, key=lambda one: one[0] / one[1])
    words = f"{much:.0f}/{n:.0f}"
    return f"{words} (public)" if any(v.get("no_decoys") for v in verdicts) else words


def _worth(group: Group) -> str:
    """Entropy of the key: as its scheme states it, and as decoys found it on the marked networks, which say no more
    than the logarithm of their number; of several seeds the least."""
    stated = [bits for record in group.ok if (bits := number(record, "verdict", "key_bits")) is not None]
    unattacked = [
        record for record in group.ok if section(record, "cell", "attack").get("id") in (None, "none")
    ]
    ranks = [
        (1 + much) / (1 + n)
        for record in unattacked
        if (much := number(record, "verdict", "decoys", "as_much")) is not None
        and (n := number(record, "verdict", "decoys", "n")) is not None
    ]
    words = [f"{min(stated):.0f} stated"] if stated else []
    if ranks:
        words.append(f"{-math.log2(max(ranks)):.1f} measured")
    return ", ".join(words)


def _theta(group: Group) -> str:
    thetas = [number(record, "verdict", "theta") for record in group.ok]
    if any(theta is not None and theta > 1 for theta in thetas):
        return f"{span(thetas)} (no claim possible)"
    ratios = _distinct(
        f"{hits:.0f}/{count:.0f}"
        for record in group.ok
        if (hits := number(record, "verdict", "hits_needed")) is not None
        and (count := number(record, "evidence", "n")) is not None
    )
    return f"{span(thetas)} ({ratios[0]})" if len(ratios) == 1 else span(thetas)


def _vanilla(group: Group) -> str:
    """The laundering paper's threshold, where the plan asked for it."""
    maxima = [
        found for record in group.ok if (found := number(record, "verdict", "vanilla_maximum")) is not None
    ]
    return span(maxima) if maxima else ""


def _floor(group: Group) -> str:
    """The least that MIRA's rescaled accuracy S can be, where the plan measures it: what no match at all gives."""
    floors = [
        found
        for record in group.ok
        if "rescaled_accuracy" in section(record, "metrics")
        and (found := number(record, "verdict", "rescaled_floor")) is not None
    ]
    return span(floors) if floors else ""


def _measured(verdicts: list[Mapping[str, Any]]) -> str:
    """The measured rate; over seeds the lowest and highest, with the interval that holds each seed's interval."""
    rates = span(number(v, "measured_rate") for v in verdicts)
    intervals = [found for v in verdicts if (found := pair(v, "measured_interval")) is not None]
    if not intervals:
        return rates
    return f"{rates} {interval_text((min(low for low, _ in intervals), max(high for _, high in intervals)))}"


def _is_contradicted(record: Record) -> bool:
    interval, stated = pair(record, "verdict", "measured_interval"), number(record, "verdict", "stated_rate")
    return interval is not None and stated is not None and interval[0] > stated


def _criterion(criterion: Mapping[str, Any]) -> str:
    amount = number(criterion, "amount")
    if amount is None:
        return f"Removal criterion: {canonical(criterion)}."
    kept = f"keeps at least {short(100 * amount)} % of the utility it had before"
    if criterion.get("kind") == "absolute":
        kept = f"loses less than {short(amount)} of utility"
    return (
        f"An attack counts as a removal if ownership can no longer be claimed and the suspect {kept}; a mark "
        "that cannot be read any more cannot be claimed."
    )


def _ok(grid: Grid) -> tuple[Record, ...]:
    return grid.everything().ok


def _distinct(values: Iterable[Any]) -> list[Any]:
    return list({canonical(value): value for value in values if value is not None}.values())
