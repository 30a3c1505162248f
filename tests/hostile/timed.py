"""A time limit for what might wait for ever."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Waited(BaseException):
    """The block took too long; no `Exception`, which it might catch."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Break off what takes longer by the clock.

    Raises:
        Waited: it does.
    """

    def over(*_: object) -> None:
        raise Waited(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
