"""From evidence, null models and decoys to a verdict; the same for `run`, `audit` and `verify`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ownmark.runner.decoys import fewest_decoys
from ownmark.stats import Decoys, Knowing, Threshold, binomial_tail, least_decoys, null_p_value

Tests = Literal["both", "nulls", "decoys"]
PUBLIC = "its pattern is the same for all keys, so it cannot be told whose it is"
BORN = "its key is born in embedding, so that no fresh one can be drawn; its rate holds for innocents like its nulls"


@dataclass(frozen=True)
class Basis:
    """What a verdict rests on beside the evidence.

    Args:
        threshold: set on null models and fresh keys. own: rates of the owner's own key on each null model.
        decoys: None where there are none, and `without` then says why.
        tests: what decides; `both` where both can be had. public: whether decoys cannot tell keys apart.
        controls: what a black box knows of the task; None for a white box.
    """

    threshold: Threshold
    own: Sequence[float]
    decoys: Decoys | None = None
    without: str = ""
    tests: Tests = "both"
    public: bool = False
    controls: Knowing | None = None


def verdict(hits: int, n: int, chance: float | None, basis: Basis) -> dict[str, Any]:
    """Claim or no claim.

    Args:
        hits, n: symbols that match, of how many. chance: that one matches on an unmarked network, or None.

    Returns: JSON-ready. `claim` is None where the controls cannot tell who knows the task. `p_nulls` is the suspect's
        rank among the null models, one value each; `p_exact` the binomial tail where chance is known; `p_decoys` the
        key's rank among decoys; `p_value` the sharpest that decides. `basis` says what the stated rate rests on.
    """
    threshold, decoys = basis.threshold, basis.decoys
    p_exact = None if chance is None else binomial_tail(hits, n, chance)
    p_nulls = null_p_value(hits / n, basis.own)
    passed, decided = _passed(hits / n, p_nulls, p_exact, basis)
    claim: bool | None = passed
    reason = ""
    if basis.controls is not None:
        claim = None if not basis.controls.powerful else passed and basis.controls.knows
        reason = basis.controls.reason
    by_decoys = decoys is not None and decided != "nulls"
    if (
        decoys
        and by_decoys
        and not reason
        and decoys.p_value > _asked_of(decoys, threshold.rate, p_exact is not None)
    ):
        reason = f"{decoys.as_much} of {decoys.n} fresh keys match as much as the owner's"
    p_value = p_exact if p_exact is not None else decoys.p_value if decoys and by_decoys else p_nulls
    return {
        "claim": claim, "p_value": p_value, "p_nulls": p_nulls, "p_exact": p_exact,
        "p_decoys": decoys and decoys.p_value, "decoys": decoys and decoys.to_dict(), "decided_by": decided,
        "no_decoys": basis.without or (PUBLIC if basis.public and not by_decoys else ""),
        "basis": _rests_on(threshold, p_exact, by_decoys, len(basis.own)),
        "controls": basis.controls and basis.controls.to_dict(), "reason": reason, **_described(threshold),
    }  # fmt: skip


def _passed(rate: float, p_nulls: float, p_exact: float | None, basis: Basis) -> tuple[bool, str]:
    """Whether the tests that decide are passed, and which these are."""
    stated = basis.threshold.rate
    marked = rate >= basis.threshold.theta
    if p_exact is None and basis.own:
        marked = marked and p_nulls <= max(stated, 1 / (len(basis.own) + 1))
    if basis.decoys is None or basis.tests == "nulls" or (basis.public and basis.tests == "both"):
        return marked, "nulls"
    mine = basis.decoys.p_value <= _asked_of(basis.decoys, stated, p_exact is not None)
    return (mine, "decoys") if basis.tests == "decoys" else (marked and mine, "both")


def _asked_of(decoys: Decoys, stated: float, exact: bool) -> float:
    """The p-value that decoys must reach: the stated rate, or the least they can where the exact tail grants that."""
    beyond = exact and fewest_decoys(stated) < least_decoys(stated) and decoys.n >= fewest_decoys(stated)
    return decoys.looks / (decoys.n + 1) if beyond else stated


def _rests_on(threshold: Threshold, p_exact: float | None, by_decoys: bool, models: int) -> str:
    """What grants the stated rate: construction of the key, decoys, the null models' ranks, or only a shape."""
    if p_exact is not None:
        return "exact"
    if by_decoys:
        return "decoys"
    return "rank" if threshold.rate * (models + 1) >= 1 else "shape"


def _described(threshold: Threshold) -> dict[str, Any]:
    described = threshold.to_dict()
    stated, needed = described.pop("rate"), described.pop("hits")
    if threshold.null_mean is not None:
        described["null_mean"] = threshold.null_mean / threshold.n
    bounds = threshold.measured_interval
    return {
        "theta": threshold.theta, "hits_needed": needed, "stated_rate": stated, **described,
        "measured_interval": None if bounds is None else [bounds.low, bounds.high],
    }  # fmt: skip


def no_verdict(basis: Basis) -> dict[str, Any]:
    """What is said of a suspect that cannot be read: no claim, and nothing speaks for one."""
    nothing = verdict(0, basis.threshold.n, None, basis)
    return {**nothing, "claim": False, "p_value": 1.0, "p_nulls": 1.0}
