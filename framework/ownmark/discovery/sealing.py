"""While a scheme marks or an attack works it has what it was handed: no catalogue, no dataset, no file.

Python hides nothing from code that means harm; this finds what reaches for more by mistake or without thinking of it.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ownmark.errors import OwnmarkError

_LIBRARIES = tuple({str(Path(sysconfig.get_path(name)).resolve()) for name in ("purelib", "platlib")})
_SYSTEM = tuple(
    str(Path(place).resolve())
    for place in (sys.prefix, sys.base_prefix, "/proc", "/sys", "/dev", "/etc", "/usr")
)
_CODE = (".py", ".pyc", ".pyi", ".so", ".pyd", ".dll", ".pth", ".json", ".toml", ".ini", ".cfg", ".typed")
_NO_DATA = (
    "torch",
    "numpy",
    "pytorch_lightning",
    "lightning_fabric",
    "torchmetrics",
    "triton",
    "matplotlib",
    "scipy",
)
"""Libraries whose own files are no data sets."""


class Reached(OwnmarkError):
    """A method reached for what it was not handed."""


@dataclass
class Seal:
    """What a method reached for, as sentences' ends: `opens ...`, `asks for the catalogue`.

    Args:
        whose: label of the method. strict: whether asking for catalogue and datasets raises `Reached`.
        others: threads that were there before, which are not the method's doing: claims that beat, an engine's own.
    """

    whose: str
    strict: bool = True
    reached: list[str] = field(default_factory=list)
    others: frozenset[int | None] = frozenset()


_seals: list[Seal | None] = []
_hooked: list[bool] = []


@contextmanager
def sealed(whose: str, strict: bool = True) -> Iterator[Seal]:
    """The block is a method's own code; yields what it reaches for."""
    if not _hooked:  # an audit hook cannot be removed; without a seal it does nothing
        sys.addaudithook(_audit)
        _hooked.append(True)
    tempfile.gettempdir()  # Python tries where it can write, once a process: not the method's doing
    others = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}
    seal = Seal(whose, strict, others=frozenset(others))
    _seals.append(seal)
    try:
        yield seal
    finally:
        _seals.pop()


@contextmanager
def unsealed() -> Iterator[None]:
    """The block is the core's again: it reads a network that the method may have, say."""
    _seals.append(None)
    try:
        yield
    finally:
        _seals.pop()


def asked_for(what: str) -> None:
    """The catalogue or a dataset was asked for.

    Raises:
        Reached: by a method that was not handed it.
    """
    seal = _seal()
    if seal is None:
        return
    seal.reached.append(f"asks for {what}")
    if seal.strict:
        raise Reached(f"{seal.whose} asks for {what}; all that it may use is what it was handed")


def _seal() -> Seal | None:
    """The seal that holds for this thread."""
    seal = _seals[-1] if _seals else None
    return None if seal is None or threading.get_ident() in seal.others else seal


def _audit(event: str, args: tuple[Any, ...]) -> None:
    seal = _seal()
    if seal is None:
        return
    if event == "open" and isinstance(args[0], str | bytes | Path) and not harmless(args[0]):
        seal.reached.append(f"opens {str(args[0])!r}")
    elif event in ("socket.connect", "subprocess.Popen", "os.system"):
        seal.reached.append(f"calls {event}")


def harmless(path: str | bytes | Path) -> bool:
    """Modules being imported, what says which are installed, and what belongs to the system; wherever the packs are
    installed. A data set inside of a library is none of these."""
    text = path.decode(errors="replace") if isinstance(path, bytes) else str(path)
    if text.endswith(_CODE) or ".dist-info/" in text:
        return True
    place = str(Path(text).resolve())
    for one in (
        place,
        os.path.abspath(text),
    ):  # some tools install libraries as links to a place of their own
        library = next((root for root in _libraries() if one.startswith(root + "/")), None)
        if library is not None:
            return one[len(library) + 1 :].partition("/")[0] in _NO_DATA
    return place.startswith(_SYSTEM)


def _libraries() -> set[str]:
    entries = [os.path.abspath(one) for one in sys.path if one.endswith(("site-packages", "dist-packages"))]
    return {*entries, *map(os.path.realpath, entries), *_LIBRARIES}
