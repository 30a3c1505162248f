"""Every error a user can meet; each message says what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Sequence


class OwnmarkError(Exception):
    """Base of all errors that are the user's or a method's business, as opposed to bugs."""


class MethodNotFound(OwnmarkError):
    """No installed pack has a method of that id."""


class AmbiguousMethod(OwnmarkError):
    """Two distributions claim the same id; the user writes `pack/id`."""


class MethodUnavailable(OwnmarkError):
    """A method is installed but cannot be imported."""


class DataError(OwnmarkError):
    """A dataset file is missing, damaged or not what it claims to be."""


class NotApplicable(OwnmarkError):
    """A method cannot work on this host, task or key: for planning, before any training where it can be known."""


class Unreadable(OwnmarkError):
    """A suspect lacks what an extractor reads, or holds no numbers: what an attacker can bring about, not a crash."""


class UnusableAnswer(OwnmarkError):
    """A black-box suspect could not be asked, or answered with something that cannot be an answer."""


class TrainingDiverged(OwnmarkError):
    """The loss became infinite or not a number."""


class UntrustedFile(OwnmarkError):
    """A file was refused: a pickle, a damaged or a foreign store entry."""


class PlanError(OwnmarkError):
    """A plan that cannot run.

    Args:
        problems: one sentence each, all that were found.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))
