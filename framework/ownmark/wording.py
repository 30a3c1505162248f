"""Plain English out of numbers."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "cell"), counted(12, "cell")
    ('1 cell', '12 cells')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
