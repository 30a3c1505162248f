"""Several readers asked of one suspect are several chances: their p-values are adjusted (Holm)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ownmark.ownership.folder import Claim
from ownmark.stats import holm

Verify = Callable[[str], dict[str, Any]]


def readers_of(mark: Path, named: str) -> tuple[str, ...]:
    """The readers that `named` stands for: one, several with commas between them, or `all` of the mark's."""
    if named == "all":
        return tuple(Claim.read(mark / "owner").about["readers"])
    return tuple(dict.fromkeys(part.strip() for part in named.split(",") if part.strip())) or ("default",)


def several(verify: Verify, readers: Sequence[str]) -> list[dict[str, Any]]:
    """The verdict of each reader; with more than one, `p_adjusted` keeps the chance of any false claim at the rate.

    A reader without a p-value (undecided, nothing sent) counts as one that found nothing.
    """
    records = [verify(reader) for reader in readers]
    if len(records) == 1:
        return records
    adjusted = holm([record.get("p_value", 1.0) for record in records])
    return [_adjusted(record, p, len(records)) for record, p in zip(records, adjusted, strict=True)]


def _adjusted(record: dict[str, Any], p_value: float, count: int) -> dict[str, Any]:
    if not record["claim"] or p_value <= record["stated_rate"]:
        return record | {"p_adjusted": p_value}
    reason = f"p = {p_value:.2g} once {count} readers are counted, above the stated {record['stated_rate']:g}"
    return record | {"p_adjusted": p_value, "claim": False, "reason": reason}
