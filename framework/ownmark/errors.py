"""Every error a user can meet; each message says what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager


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


class MethodStopped(OwnmarkError):
    """A method, or a function that stands for a suspect, tried to end the whole program (`sys.exit()`)."""


class PackFault(OwnmarkError):
    """A pack's code broke off with an error that it should not have; says whose it is."""


class Unwritable(OwnmarkError):
    """A result cannot be written: a full disk, a folder that is none or may not be changed."""


class StaleModule(OwnmarkError):
    """A module's file was changed after it was imported: what would run is not what would be hashed."""


class UntrustedFile(OwnmarkError):
    """A file was refused: a pickle, a damaged or a foreign store entry."""


LONGEST = 3000
"""Characters of one problem of a plan, at most."""


class PlanError(OwnmarkError):
    """A plan that cannot run.

    Args:
        problems: one sentence each, all that were found; cut where a name in it goes on for pages.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(one if len(one) <= LONGEST else f"{one[:LONGEST]} ..." for one in problems)
        super().__init__("\n".join(self.problems))


@contextmanager
def contained(what: str) -> Iterator[None]:
    """Code of others may fail, but not end the program: a `sys.exit()` in the block is an error like any other.

    Args:
        what: whose code it is, for the message.

    Raises:
        MethodStopped: the block raised what is no `Exception`; interrupts by the user pass.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise MethodStopped(f"{what} tried to end the program ({type(error).__name__}: {error})") from error


@contextmanager
def blamed(what: str, pack: str) -> Iterator[None]:
    """A pack's code that breaks off in the block is the pack's fault, and the message says so.

    Args:
        what: broke off, such as `dataset digits`. pack: whose code it is, as `Catalog.whose` has it.

    Raises:
        PackFault: for whatever is no OwnmarkError; those, and interrupts by the user, pass.
    """
    try:
        with contained(f"{what} (of {pack})"):
            yield
    except OwnmarkError:
        raise
    except Exception as error:
        raise PackFault(
            f"{what} broke off, which is a fault of the pack {pack}: {type(error).__name__}: {error}"
        ) from error
