"""Forked children that end, or let another process run, at their first file operation, their second, and so on."""

from __future__ import annotations

import itertools
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any

_KILLED = 9
_STEPS = {
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.chmod",
    "os.truncate",
}


def killed(act: Callable[[], object], before: Callable[[], object] = lambda: None) -> Iterator[int]:
    """After each death, its number; the last child, which finds no further step to die at, has ended well.

    Args:
        before: sets the scene anew for each child.
    """
    for number in itertools.count():
        before()
        if _ended(act, number, lambda: os._exit(_KILLED)) == 0:
            return
        yield number


def overtaken(
    act: Callable[[], object], other: Callable[[], object], before: Callable[[], object]
) -> Iterator[int]:
    """As `killed`, of children that go on after another has run from beginning to end; both have ended well."""
    met: list[int] = []
    for number in itertools.count():
        before()
        read, write = os.pipe()

        def meet(write: int = write) -> None:
            os.write(write, b"." if _ended(other) == 0 else b"!")

        status = _ended(act, number, meet)
        os.close(write)
        with os.fdopen(read, "rb") as said:
            met = list(said.read())
        assert status == 0, f"overtaken at step {number}"
        assert met in ([], [ord(".")]), f"the other, at step {number}"
        if not met:
            return
        yield number


def _ended(act: Callable[[], object], number: int = -1, then: Callable[[], None] = lambda: None) -> int:
    """How a forked child ends that does `then` before its file operation of that number."""
    child = os.fork()
    if child:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status in (0, _KILLED)
        return status
    steps, waiting = itertools.count(), [True]

    def hook(event: str, told: Any) -> None:
        if waiting[0] and _changes(event, told) and next(steps) == number:
            waiting[0] = False
            then()

    sys.addaudithook(hook)
    try:
        act()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _changes(event: str, told: Any) -> bool:
    """Whether an audit event is of a file, or a name of one, that is about to be changed."""
    if event != "open":
        return event in _STEPS
    flags = told[2]
    writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    return bool(writes) and not str(told[0]).startswith("/dev/")
