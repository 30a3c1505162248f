"""Code of packs that is run while they are looked for: within a time limit, quietly, and without ending the program."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ownmark.discovery.surroundings import put_back, settings

SECONDS = "OWNMARK_LOAD_SECONDS"
_LIMIT, _DAY = 20.0, 86_400.0


class TookTooLong(BaseException):
    """The time limit is over; no `Exception`, so that a pack does not swallow it by accident."""


class Exits(BaseException):
    """The pack called `os._exit`, which nothing could have caught."""


@dataclass
class Watched:
    """What a piece of a pack's code did.

    Args:
        error: what it raised, also what is no `Exception`; None if it ended well.
        value: what it gave. seconds: that it took. printed: what it wrote. changed: settings, which were put back.
    """

    error: BaseException | None = None
    value: Any = None
    seconds: float = 0.0
    printed: str = ""
    changed: list[str] = field(default_factory=list)


def limit() -> float:
    """Seconds that a pack may take to be imported, or to answer a hook."""
    try:
        seconds = float(os.environ.get(SECONDS, _LIMIT))
    except ValueError:
        return _LIMIT
    return min(max(seconds, 0.1), _DAY) if math.isfinite(seconds) else _LIMIT


def watched(whose: str, call: Callable[[], Any]) -> Watched:
    """Run `call`; interrupts by the user pass, everything else is caught and told.

    Args:
        whose: distribution and version. They stand in the traceback that a crash of the interpreter prints, as the
            name of the file that runs the call.
    """
    seen, out = Watched(), io.StringIO()
    interrupted: list[int] = []
    before, start = settings(), time.perf_counter()
    code = compile("value = call()", f"<ownmark loads {whose}>", "exec")
    names: dict[str, Any] = {"call": call}
    try:
        with _crashes_told(), _no_exit(), _quiet(out), _interrupts() as interrupted, _time_limit(limit()):
            exec(code, names)
        seen.value = names["value"]
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and (interrupted or not _in_main_thread()):
            raise
        seen.error = error
    seen.seconds = time.perf_counter() - start
    seen.printed, seen.changed = out.getvalue(), put_back(before)
    return seen


@contextlib.contextmanager
def _quiet(out: io.StringIO) -> Iterator[None]:
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        yield


@contextlib.contextmanager
def _crashes_told() -> Iterator[None]:
    """A segmentation fault prints whose code was running."""
    enabled = faulthandler.is_enabled()
    try:
        if not enabled:
            faulthandler.enable(sys.__stderr__ or 2)
    except (ValueError, OSError, io.UnsupportedOperation):  # no real stderr
        enabled = True
    try:
        yield
    finally:
        if not enabled:
            faulthandler.disable()


@contextlib.contextmanager
def _no_exit() -> Iterator[None]:
    def refuse(status: int = 0) -> None:
        raise Exits(f"os._exit({status})")

    former = os._exit
    os._exit = refuse  # type: ignore[assignment]
    try:
        yield
    finally:
        os._exit = former


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Fills when the user interrupts, which a pack that raises `KeyboardInterrupt` itself does not do."""
    seen: list[int] = []
    former = signal.getsignal(signal.SIGINT)
    if _in_main_thread() and former is signal.SIG_IGN:  # nobody can interrupt
        yield seen
        return
    if not _in_main_thread() or not callable(former):
        yield [1]  # cannot be told apart
        return

    def interrupt(signum: int, frame: Any) -> None:
        seen.append(signum)
        former(signum, frame)

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, former)


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """By a signal, so only in the main thread of systems that have it; elsewhere there is no limit."""
    if not _in_main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def over(signum: int, frame: Any) -> None:
        raise TookTooLong(f"took more than {seconds:g} s")

    former = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # again every second, should it be swallowed
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
