"""Numbers as text; rates are fractions of 1."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context

from ownmark.report.aggregate import Mean

_ASCII = {
    "✓": "+",
    "✗": "x",
    "±": "+-",
    "≤": "<=",
    "≥": ">=",
    "θ": "theta",
    "×": "x",
    "–": "-",
    "—": "-",
    "·": "-",
}
_ASCII |= {"…": "...", "−": "-", "↓": "(low)", "≠": "!="}
_ROUNDING = {"=": ROUND_HALF_EVEN, "≤": ROUND_CEILING, "≥": ROUND_FLOOR}


def decimals(value: float) -> str:
    """Three decimals for rates, one from ten upwards (FID)."""
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def short(value: float) -> str:
    """At most three significant digits: 0.05, 95, 1e-06."""
    return f"{value:.3g}"


def estimate(mean: Mean | None, *, sign: float = 1.0, offset: float = 0.0) -> str:
    """`offset + sign * mean`, with half the width of its 95 % interval over seeds: "0.970 ±0.004"."""
    if mean is None:
        return "–"
    value = decimals(offset + sign * mean.value + 0.0)
    return value if mean.half is None else f"{value} ±{decimals(mean.half)}"


def span(values: Iterable[float | None], digits: int = 3) -> str:
    """The one value, or the lowest and the highest: "0.594" or "0.580–0.594"; "–" for none."""
    given = sorted({f"{value:.{digits}f}" for value in values if value is not None}, key=float)
    return "–" if not given else "–".join(dict.fromkeys((given[0], given[-1])))


def interval_text(interval: tuple[float, float] | None) -> str:
    """An interval in brackets; empty for none."""
    return "" if interval is None else f"[{decimals(interval[0])}, {decimals(interval[1])}]"


def p_text(p: float, relation: str = "=") -> str:
    """A p-value with its relation, rounded so that the relation stays true; one digit below 0.001."""
    if p < 1e-99:
        return "p≥0" if relation == "≥" else "p<1e-99"
    context = Context(prec=1 if p < 1e-3 else 2, rounding=_ROUNDING[relation])
    rounded = context.create_decimal(repr(float(p)))
    if p >= 1e-3:
        return f"p{relation}{rounded.normalize():f}"
    mantissa, exponent = f"{rounded:.0e}".split("e")
    return f"p{relation}{mantissa}e{int(exponent)}"


def to_ascii(text: str) -> str:
    """The plain-text fall-back for terminals without unicode."""
    for symbol, plain in _ASCII.items():
        text = text.replace(symbol, plain)
    return text.encode("ascii", "backslashreplace").decode("ascii")
