"""A captioner: CNN encoder, LSTM decoder with attention."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind
from ownmark_generative.papers import SHOW_ATTEND_TELL


@hookimpl
def ownmark_hosts() -> Iterable[Declaration]:
    """The host."""
    return [
        Declaration(
            id="captioner",
            kind=Kind.HOST,
            target="ownmark_generative.captioner.host:Captioner",
            config="ownmark_generative.captioner.config:CaptionerConfig",
            summary="describes pictures: CNN, attention, LSTM; greedy or beam search",
            paper=SHOW_ATTEND_TELL,
            api=3,
            smoke={"width": 4, "hidden": 16, "words": 8, "length": 4, "recipe": {"epochs": 1}},
            smoke_host={"dataset": {"ownmark-generative/captioned_shapes": {"train": 96, "test": 32}}},
            deviations=(
                "a small CNN that is trained along; the paper takes a VGG, IPR-IC a ResNet-50",
                "one of the references is drawn for each picture and step",
                "one layer from state, word and context to the words; IPR-IC's decoder has a hidden layer of 1024",
            ),
        )
    ]
