"""A message in the signs of means over secret groups of weights."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need

_NO_PAPER = "no paper: an example, written for this pack"


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="group_mean",
            kind=Kind.SCHEME,
            target="acme_marks.group_mean.scheme:GroupMean",
            config="acme_marks.group_mean.config:GroupMeanConfig",
            summary="a message in the signs of means over secret groups of weights",
            needs=frozenset({Need.WHITE_BOX}),
            extractor="group_mean",
            smoke={"bits": 16},
            idle={"strength": 0},
            threat_model="verifier holds the suspect's weights; groups and message are secret",
            deviations=(_NO_PAPER,),
            api=2,
        )
    ]


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """The extractor."""
    return [
        Declaration(
            id="group_mean",
            kind=Kind.EXTRACTOR,
            target="acme_marks.group_mean.extractor:GroupMeanReader",
            summary="signs of the means over the key's groups of weights, compared with the message",
            needs=frozenset({Need.WHITE_BOX}),
            deviations=(_NO_PAPER,),
            api=2,
        )
    ]
