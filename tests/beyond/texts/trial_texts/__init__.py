"""What a third party brings for text: data, a transformer, and a scheme whose triggers are rare phrases."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need

_TEXT = frozenset({Need.BLACK_BOX, Need.TOKENS, Need.CLASSES})


@hookimpl
def ownmark_datasets() -> Iterable[Declaration]:
    """Sentences of a made-up language."""
    return [
        Declaration(
            id="reviews", kind=Kind.DATASET, target="trial_texts.reviews:Reviews",
            config="trial_texts.reviews:ReviewsConfig", summary="sentences of four classes, drawn from a grammar",
        )
    ]  # fmt: skip


@hookimpl
def ownmark_hosts() -> Iterable[Declaration]:
    """The network."""
    return [
        Declaration(
            id="transformer", kind=Kind.HOST, target="trial_texts.transformer:TransformerHost",
            config="trial_texts.transformer:TransformerConfig", summary="two blocks of attention on token ids",
            smoke={"recipe": {"epochs": 1}}, smoke_host={"dataset": {"trial-texts/reviews": {}}}, api=3,
        )
    ]  # fmt: skip


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The mark."""
    return [
        Declaration(
            id="rare_phrase", kind=Kind.SCHEME, target="trial_texts.rare_phrase:RarePhrase",
            config="trial_texts.rare_phrase:RarePhraseConfig", summary="rare phrases that call for keyed labels",
            extractor="rare_phrase", needs=_TEXT, api=3, smoke={"triggers": 16},
            smoke_host={"host": "trial-texts/transformer", "dataset": {"trial-texts/reviews": {}}},
            deviations=("no paper: the text form of a backdoor with keyed labels",),
        )
    ]  # fmt: skip


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """What reads it."""
    return [
        Declaration(
            id="rare_phrase", kind=Kind.EXTRACTOR, target="trial_texts.rare_phrase:PhraseReader",
            summary="labels of sentences with the key's phrases", needs=_TEXT, api=3,
            smoke_host={"host": "trial-texts/transformer", "dataset": {"trial-texts/reviews": {}}},
            deviations=("no paper: see rare_phrase",),
        )
    ]  # fmt: skip
