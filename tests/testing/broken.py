"""For every check a method that fails it, and a piece of what the check must say of it.

Importing this module imports those with the methods; each adds its own to `BROKEN`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ownmark.methods import Declaration, Kind, Need

WHITE, BLACK = frozenset({Need.WHITE_BOX}), frozenset({Need.BLACK_BOX})
FAKES = "ownmark.testing.fakes"


@dataclass(frozen=True)
class Broken:
    """A check, a method that fails it, and what the failure says."""

    check: str
    says: str
    declaration: Declaration
    companions: tuple[Declaration, ...] = ()

    def __str__(self) -> str:
        return f"{self.check}-{self.declaration.target.rpartition(':')[2]}"


BROKEN: list[Broken] = []


def reference(target: type | str) -> str:
    return target if isinstance(target, str) else f"{target.__module__}:{target.__qualname__}"


def declare(kind: Kind, target: type | str, **fields: Any) -> Declaration:
    defaults: Mapping[str, Any] = {
        "id": "broken", "summary": "fails one check", "deviations": ("no paper: broken on purpose",),
        "distribution": "broken-marks",
    }  # fmt: skip
    return Declaration(kind=kind, target=reference(target), **{**defaults, **fields})


def breaks(check: str, says: str, declaration: Declaration, *companions: Declaration) -> None:
    BROKEN.append(Broken(check, says, declaration, companions))


def scheme(check: str, says: str, target: type | str, *, reader: type | None = None, **fields: Any) -> None:
    """A broken variant of `fake-signs`, read by its extractor or by a broken one."""
    fields = {"config": f"{FAKES}:SignMarkConfig", "extractor": "fake-signs", "needs": WHITE, **fields}
    companions = ()
    if reader is not None:
        fields["extractor"] = "broken"
        companions = (declare(Kind.EXTRACTOR, reader, needs=WHITE),)
    breaks(check, says, declare(Kind.SCHEME, target, **fields), *companions)


def white_reader(check: str, says: str, target: type, **fields: Any) -> None:
    """A broken extractor of `fake-signs`."""
    fields = {"needs": WHITE, **fields}
    marks = declare(
        Kind.SCHEME, f"{FAKES}:SignMark", config=f"{FAKES}:SignMarkConfig", extractor="broken", needs=WHITE
    )
    breaks(check, says, declare(Kind.EXTRACTOR, target, **fields), marks)


def black_reader(check: str, says: str, target: type, **fields: Any) -> None:
    """A broken extractor of `fake-triggers`."""
    marks = declare(
        Kind.SCHEME, f"{FAKES}:NoiseTriggers", config=f"{FAKES}:NoiseTriggersConfig", extractor="broken",
        needs=BLACK,
    )  # fmt: skip
    breaks(check, says, declare(Kind.EXTRACTOR, target, needs=BLACK, **fields), marks)


def attack(check: str, says: str, target: type | str, **fields: Any) -> None:
    breaks(check, says, declare(Kind.ATTACK, target, **fields))
