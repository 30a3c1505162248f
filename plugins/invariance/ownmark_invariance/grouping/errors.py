"""What the engine raises, and the one exception that rules use to give up on an operation."""

from __future__ import annotations


class CannotTransform(ValueError):
    """The model, or what was asked of it, is outside what the engine can prove; names the module and why."""


class NotEquivalent(AssertionError):
    """A transformed network answered differently from the original; names the deviation."""


class Unsupported(Exception):
    """Raised by a rule: freeze everything this operation touches, for the reason given."""
