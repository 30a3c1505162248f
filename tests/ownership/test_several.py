"""Several readers of one suspect are several chances."""

from __future__ import annotations

from typing import Any

import pytest

from ownmark.ownership.several import several


def found(claim: bool | None, p_value: float | None) -> dict[str, Any]:
    told = {"claim": claim, "stated_rate": 0.05}
    return told if p_value is None else told | {"p_value": p_value}


@pytest.mark.parametrize(
    ("said", "claims"),
    [
        ([(True, 0.04), (True, 0.02)], [True, True]),
        ([(True, 0.04), (True, 0.03)], [False, False]),
        ([(True, 0.01), (False, 0.5), (True, 0.04)], [True, False, False]),
        ([(True, 0.001), (None, None)], [True, None]),
        ([(True, 0.04)], [True]),
    ],
)
def test_claims_that_hold_for_one_reader_may_not_hold_for_all(
    said: list[tuple[bool | None, float | None]], claims: list[bool | None]
) -> None:
    records = {str(i): found(*one) for i, one in enumerate(said)}
    judged = several(records.__getitem__, list(records))
    assert [one["claim"] for one in judged] == claims
    for before, after in zip(said, judged, strict=True):
        assert bool(before[0]) == bool(after["claim"]) or "readers are counted" in after["reason"]
