"""What an embedding says while it works: nothing that its secret, or what is derived from it, could be told from.

The secret is the seed of everything, and stands in the names of stages; the digests of stages are computed from it.
"""

from __future__ import annotations

import re
import secrets
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ownmark.errors import OwnmarkError, PlanError
from ownmark.runner.engine import Progress
from ownmark.scratch import clear, delete, hidden_of, moved_aside, require_vacant

_LOCK = "lock"
_DIGEST = r"(?<![0-9A-Za-z])[0-9a-f]{12,64}(?![0-9A-Za-z])"


class Secrecy:
    """Takes a secret number, and what looks like a digest, out of texts."""

    def __init__(self, secret: int | str) -> None:
        secret = int(secret)
        number = rf"(?:seed\s+)?(?:0[xX])?(?:{secret}|(?i:{secret:x}|{secret:016x}))"
        self._pattern = re.compile(f"{number}|{_DIGEST}")
        self._secret = re.compile(number)

    def hide(self, text: str) -> str:
        """`text` without them."""
        return self._pattern.sub(
            lambda found: "(secret seed)" if found[0].startswith("seed") else "(secret)", text
        )

    def told_by(self, text: str) -> bool:
        """Whether a text says the secret."""
        return self._secret.search(text) is not None

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Errors of the block, causes included, leave it without the secret; an interrupt as an interrupt."""
        try:
            yield
        except PlanError as error:
            raise PlanError([self.hide(problem) for problem in error.problems]) from None
        except OwnmarkError as error:
            raise type(error)(self.hide(str(error))) from None
        except Exception as error:
            raise OwnmarkError(
                f"embedding broke off: {type(error).__name__}: {self.hide(str(error))}"
            ) from None
        except BaseException as error:
            if not self.told_by("".join(traceback.format_exception(error))):
                raise
            raise type(error) from None


class Discreet:
    """Progress that says neither the secret nor the stages' digests."""

    def __init__(self, progress: Progress, secret: int | str) -> None:
        self._progress, self._hide = progress, Secrecy(secret).hide
        self._aliases: dict[str, str] = {}

    def checking(self, cells: int) -> None:
        """See `Progress`."""
        self._progress.checking(cells)

    def plan(self, stages: Mapping[str, str], cells: int) -> None:
        """See `Progress`."""
        self._progress.plan({self._alias(digest): kind for digest, kind in stages.items()}, cells)

    def stage(self, kind: str, label: str) -> None:
        """See `Progress`."""
        self._progress.stage(kind, self._hide(label))

    def step(self, step: int, steps: int) -> None:
        """See `Progress`."""
        self._progress.step(step, steps)

    def finished(self, digest: str, kind: str, seconds: float) -> None:
        """See `Progress`."""
        self._progress.finished(self._alias(digest), kind, seconds)

    def cell(self, record: Mapping[str, Any]) -> None:
        """Not told: a record has the seed in it."""

    def running(self, stages: Sequence[str]) -> None:
        """See `Progress`."""
        self._progress.running([self._hide(label) for label in stages])

    def note(self, message: str) -> None:
        """See `Progress`."""
        self._progress.note(self._hide(message))

    def _alias(self, digest: str) -> str:
        return self._aliases.setdefault(digest, secrets.token_hex(8))


@contextmanager
def alone(work: Path) -> Iterator[None]:
    """The folder of an unfinished embedding, made if need be, readable by its owner only, and held by this process.

    Raises:
        OwnmarkError: another embedding works in it, or it cannot be made or is somebody else's.
    """
    try:
        lock = _locked(work)
    except Timeout:
        raise OwnmarkError(
            f"{work}: another embedding is at work there; let it end, or give another --into"
        ) from None
    except OSError as error:
        raise OwnmarkError(f"{work}: cannot be worked in ({error.strerror})") from None
    try:
        yield
    finally:
        lock.release()


def _locked(work: Path) -> FileLock:
    """The lock in a folder; who ends takes the folder away, between any two steps of who begins."""
    for _ in range(2):
        with suppress(FileNotFoundError):
            return _acquired(work)
    return _acquired(work)


def _acquired(work: Path) -> FileLock:
    work.mkdir(parents=True, exist_ok=True, mode=0o700)
    work.chmod(0o700)
    lock = FileLock(work / _LOCK)
    lock.acquire(timeout=0)
    return lock


@contextmanager
def working(into: Path, made: str) -> Iterator[Path]:
    """The folder of the embedding that makes `into`, held by this process; it goes once that has appeared.

    Args:
        made: a file of `into` that shows that it has. The work of a process that was killed right then goes with the
            next call.

    Raises:
        OwnmarkError: `into` exists; as `alone`.
    """
    work = into.with_name(f"{into.name}.work")
    clear(into)
    if not (work / _LOCK).is_file():  # a folder of the user's own, which stays as it is
        require_vacant(into)
    with alone(work):
        try:
            require_vacant(into)  # whoever held the folder may just have finished
            yield work
        finally:
            if (into / made).is_file():  # while it is held: afterwards it may be another process's
                delete(moved_aside(work, hidden_of))
