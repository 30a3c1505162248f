"""A pack of methods that cost nothing and misbehave on purpose; found through an entry point the tests make."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Reported

_NONE: frozenset[Need] = frozenset()


_LEAVING = ("dummy", "folds", "distils", "blanks", "diverges", "forgets")


def _attack(id: str, needs: Iterable[Need] = (), config: str = "") -> Declaration:
    module = "leaving" if id in _LEAVING else "attacks"
    return Declaration(
        id=id, kind=Kind.ATTACK, target=f"trial_marks.{module}:{id.capitalize()}", summary=id, needs=frozenset(needs),
        config=config and f"trial_marks.config:{config}", reported=_REPORTED if id == "shift" else (),
    )  # fmt: skip


_REPORTED = (
    Reported(0.5, "evidence", "Table 1", "digits", "convnet", "signs", "shift"),
    Reported(0.6, "evidence", "Table 1", "cifar10", "convnet", "signs", "shift"),
    Reported(0.7, "evidence", "Table 1", "digits", "convnet", "uchida", "shift"),
)


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """Schemes that write signs into the last layer; one whose check breaks off."""
    return [
        Declaration(
            id=id, kind=Kind.SCHEME, target=f"trial_marks.schemes:{id.capitalize()}", summary=id,
            needs=frozenset({Need.WHITE_BOX}), config="trial_marks.config:SignsConfig", extractor="signs",
            reported=(
                Reported(1.0, "evidence", "Table 2", "digits", "convnet", "signs"),
                Reported(0.4, "evidence", "Table 3", attack="later(sparsity=0.5)"),
                Reported(0.3, "evidence", "Table 3", attack="finetune"),
                Reported(0.2, "evidence", "Table 3", attack="finetune(labels=predicted)"),
            ),
        )
        for id in ("signs", "faulty")
    ]  # fmt: skip


@hookimpl
def ownmark_hosts() -> Iterable[Declaration]:
    """Hosts whose training keeps a state."""
    return [
        Declaration(
            id=id, kind=Kind.HOST, target=f"trial_marks.hosts:{id.capitalize()}", summary=id,
            config="trial_marks.config:PlainConfig",
        )
        for id in ("drops", "counts", "strays")
    ]  # fmt: skip


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """Signs of weights, or of answers; one that cannot be imported."""
    target = "trial_marks.schemes"
    return [
        Declaration(
            id="signs", kind=Kind.EXTRACTOR, target=f"{target}:ReadSigns", summary="signs",
            needs=frozenset({Need.WHITE_BOX}),
        ),
        Declaration(
            id="answers", kind=Kind.EXTRACTOR, target=f"{target}:ReadAnswers", summary="answers",
            needs=frozenset({Need.BLACK_BOX}),
        ),
        Declaration(id="absent", kind=Kind.EXTRACTOR, target="trial_marks.nowhere:Absent", summary="absent"),
    ]  # fmt: skip


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """One for each thing an attack may do to the runner."""
    return [
        _attack("breaks"),
        _attack("shift"),
        _attack("stray"),
        _attack("takes", {Need.MAY_USE_DATA}),
        *map(_attack, _LEAVING),
        _attack("learns", {Need.DATA, Need.LABELS}),
        _attack("wraps", config="WrapsConfig"),
    ]


@hookimpl
def ownmark_metrics() -> Iterable[Declaration]:
    """One that nothing feeds, one that has no value."""
    return [
        Declaration(
            id="unfed", kind=Kind.METRIC, target="trial_marks.metrics:Undefined", summary="unfed",
            needs=frozenset({Need.CLASSES}),
        ),
        Declaration(
            id="undefined", kind=Kind.METRIC, target="trial_marks.metrics:Undefined", summary="undefined",
            needs=frozenset({Need.EVIDENCE}),
        ),
    ]  # fmt: skip
