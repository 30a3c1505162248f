"""Checks that schemes of this pack fail because of what their papers say, with the reasons. No torch here."""

from __future__ import annotations

from collections.abc import Mapping

EXPECTED_FAILURES: Mapping[str, str] = {
    "passport_aware:scheme-releases-no-key-material": (
        "no passport changes what the first norm is given, so its private statistics are the public ones"
    ),
}
"""`id:check` -> reason; `ownmark check` and the conformance tests read it."""
