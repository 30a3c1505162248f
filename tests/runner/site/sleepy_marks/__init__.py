"""A pack whose stages sleep instead of training; copied beside a test's plans, so that its source may be edited."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need

_HERE = "sleepy_marks.methods"


@hookimpl
def ownmark_datasets() -> Iterable[Declaration]:
    """Forty dots."""
    return [Declaration(id="dots", kind=Kind.DATASET, target=f"{_HERE}:Dots", summary="forty tiny images")]


@hookimpl
def ownmark_hosts() -> Iterable[Declaration]:
    """One layer."""
    return [
        Declaration(
            id="dot", kind=Kind.HOST, target=f"{_HERE}:Dot", config="sleepy_marks.config:DotConfig",
            summary="one layer",
        )
    ]  # fmt: skip


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """Sleeps, and says by which source it was computed."""
    return [
        Declaration(
            id="sleepy", kind=Kind.SCHEME, target=f"{_HERE}:Sleepy", config="sleepy_marks.config:NapConfig",
            summary="sleeps", extractor="wide-awake", needs=frozenset({Need.WHITE_BOX}),
        )
    ]  # fmt: skip


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """Reads the scheme's bits."""
    return [
        Declaration(
            id="wide-awake", kind=Kind.EXTRACTOR, target=f"{_HERE}:WideAwake", summary="reads signs",
            needs=frozenset({Need.WHITE_BOX}),
        )
    ]  # fmt: skip


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """Sleeps, fails, or takes its worker with it."""
    return [
        Declaration(
            id=id, kind=Kind.ATTACK, target=f"{_HERE}:{id.capitalize()}", config="sleepy_marks.config:NapConfig",
            summary=id,
        )
        for id in ("nap", "nightmare")
    ]  # fmt: skip
