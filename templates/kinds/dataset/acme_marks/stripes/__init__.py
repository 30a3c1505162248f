"""A dataset that is made up: waves of several directions."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind


@hookimpl
def ownmark_datasets() -> Iterable[Declaration]:
    """The dataset."""
    return [
        Declaration(
            id="stripes",
            kind=Kind.DATASET,
            target="acme_marks.stripes.dataset:Stripes",
            config="acme_marks.stripes.config:StripesConfig",
            summary="grey waves of four directions with noise, made up",
            smoke={"train": 80, "test": 40},
            api=2,
        )
    ]
