"""Tables of what `whose.py` found, as text.

Intervals are those of 95 % by networks: the schemes that one suspect is asked of do not count as suspects of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from ownmark.stats import Knowing, claim_rate, clopper_pearson

Found = Sequence[dict[str, Any]]
DECIDES = ("decoys 0.05", "decoys 0.01", "nulls 0.05", "both 0.05", "both 0.01")
ASKED = ", knows the task"
"""Ends the name of a test whose claims count only where clean images would have been answered well enough."""
SERVICE = ("fixed 0.05", "sequential 0.05", "fixed 0.01", "sequential 0.01")


def interval(claims: int, n: int) -> str:
    """A share with its 95 % interval, as text."""
    bounds = clopper_pearson(claims, n)
    return f"{claims / n:.4f} [{bounds.low:.4f}, {bounds.high:.4f}]"


def claimed(found: Found, name: str, test: str) -> list[bool]:
    """Of each suspect, whether a test claims it."""
    return [_claims(one, name, test) for one in found]


def _claims(one: dict[str, Any], name: str, test: str) -> bool:
    claims = test.removesuffix(ASKED) in one["schemes"][name]["claims"]
    return claims and (not test.endswith(ASKED) or Knowing(round(100 * one["accuracy"]), 100, 10, 99).knows)


def by_scheme(found: Found, names: Sequence[str], tests: Sequence[str]) -> list[str]:
    """Share of suspects claimed: rows are schemes."""
    rows = [row("scheme", tests), row("---", ["---"] * len(tests))]
    for name in names:
        cells = [interval(sum(claimed(found, name, test)), len(found)) for test in tests]
        rows.append(row(f"`{name}`", cells))
    return rows


def by_kind(found: Found, names: Sequence[str], tests: Sequence[str]) -> list[str]:
    """Share of claims over the schemes, and the scheme that claims most at the first test: rows are kinds."""
    kinds: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in found:
        kinds["marked" if one["kind"].startswith("marked ") else one["kind"]].append(one)
    head = "suspects" if len(names) > 1 else f"suspects of `{names[0]}`"
    rows = [row(head, ["n", *tests, "most"]), row("---", ["---"] * (len(tests) + 2))]
    for kind, suspects in kinds.items():
        cells = []
        for test in tests:
            rate, bounds = claim_rate([[_claims(one, name, test) for name in names] for one in suspects])
            cells.append(f"{rate:.4f} [{bounds.low:.4f}, {bounds.high:.4f}]")
        worst = max(names, key=lambda name: sum(claimed(suspects, name, tests[0])))
        most = f"`{worst}` {sum(claimed(suspects, worst, tests[0]))}"
        rows.append(row(kind, [str(len(suspects)), *cells, most]))
    return rows


def same_scheme(found: Found, names: Sequence[str], tests: Sequence[str]) -> list[str]:
    """Suspects that carry another key of the scheme that is asked."""
    mine = [(one, name) for one in found for name in names if one["kind"] == f"marked {name}"]
    if not mine:
        return []
    counts = [sum(_claims(one, name, test) for one, name in mine) for test in tests]
    return [
        row(
            "same scheme, another key",
            [str(len(mine)), *(interval(count, len(mine)) for count in counts), ""],
        )
    ]


def row(head: str, cells: Sequence[str]) -> str:
    """One line of a table."""
    return f"| {head} | " + " | ".join(cells) + " |"


def printed(found: Found, drawn: Sequence[str], born: Sequence[str], cut: Sequence[str]) -> str:
    """All tables.

    Args:
        drawn: schemes whose keys are drawn, with decoys. born: those without. cut: those the sequential test takes.
    """
    nulls = ("nulls 0.05", f"nulls 0.05{ASKED}", "nulls 0.01", f"nulls 0.01{ASKED}")
    both = ("both 0.05", "both 0.01", "decoys 0.05", "decoys 0.01")
    parts = [
        [f"{len(found)} suspects"],
        by_scheme(found, drawn, DECIDES),
        by_scheme(found, born, nulls),
        by_scheme(found, cut, SERVICE),
        by_kind(found, drawn, both) + same_scheme(found, drawn, both),
        by_kind(found, cut, SERVICE),
        *(by_kind(found, [name], nulls) for name in born),
    ]
    return "\n\n".join("\n".join(part) for part in parts)
