"""A host: a perceptron with one hidden layer."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind


@hookimpl
def ownmark_hosts() -> Iterable[Declaration]:
    """The host."""
    return [
        Declaration(
            id="tiny_mlp",
            kind=Kind.HOST,
            target="acme_marks.tiny_mlp.host:TinyMlp",
            config="acme_marks.tiny_mlp.config:TinyMlpConfig",
            summary="one hidden layer on flattened pixels",
            smoke={"hidden": 16},
            api=2,
        )
    ]
