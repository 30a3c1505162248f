"""Checks that methods of the core fail because of the libraries behind them, with the reasons. No torch here."""

from __future__ import annotations

from collections.abc import Mapping

EXPECTED_FAILURES: Mapping[str, str] = {
    "transformers:host-can-be-traced": "its models look at shapes in Python, which torch.fx cannot follow",
}
"""`id:check` -> reason; `ownmark check` and the conformance tests read it."""
