"""Neural Cleanse: reconstruct a trigger of every class, and unlearn those that are too small to be true."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need
from ownmark_laundering.papers import CLEANSE


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="neural_cleanse",
            kind=Kind.ATTACK,
            target="ownmark_laundering.neural_cleanse.attack:NeuralCleanse",
            config="ownmark_laundering.neural_cleanse.config:NeuralCleanseConfig",
            summary="reconstruct a trigger of every class; unlearn those of outlying classes; else change nothing",
            paper=CLEANSE,
            needs=frozenset({Need.DATA, Need.CLASSES}),
            smoke={"steps": 3, "images": 64, "success": 0.05, "index": 0.0, "recipe": {"epochs": 1}},
            idle={"recipe": {"epochs": 0}},
            threat_model="thief holds the weights and images, labelled or not",
            deviations=(
                "all classes share each batch of images; the authors' code takes them one by one",
                "the price of a mask is stated for 32 x 32 pixels and scales with their number",
                "of the paper's mitigations only unlearning; its epoch (1) and share (.2) are as other "
                "implementations have them, the learning rate is ours",
            ),
        )
    ]
