"""Evidence, looked at before it is counted: half a match is none that the tests know."""

from __future__ import annotations

from typing import Any

from ownmark.contracts.evidence import Evidence
from ownmark.contracts.returned import returned


def evident(value: Any) -> Evidence:
    """What an extractor gave, if it is evidence of symbols that match or do not.

    Raises:
        TypeError: it is something else. ValueError: matches that are neither, or a chance that is none.
    """
    found = returned(value, Evidence, "extract")
    if not bool(((found.matches == 0) | (found.matches == 1)).all()):
        raise ValueError(
            f"extract gives matches of {found.matches.dtype} that are neither 0 nor 1; compare what was read with the "
            "key, one True or False a symbol"
        )
    if found.chance is not None and not 0 <= found.chance <= 1:
        raise ValueError(
            f"extract gives a chance of {found.chance:g}; it is that of one symbol to match, 0 to 1"
        )
    return found
