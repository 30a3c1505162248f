"""Quantisation: weights rounded to a few bits."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind
from ownmark_repair.papers import SOK


@hookimpl
def ownmark_attacks() -> Iterable[Declaration]:
    """The attack."""
    return [
        Declaration(
            id="quantize",
            kind=Kind.ATTACK,
            target="ownmark_repair.quantize.attack:Quantize",
            config="ownmark_repair.quantize.config:QuantizeConfig",
            summary="weights of convolutions and linear layers rounded to 2 to 8 bits, a scale each layer or output",
            paper=SOK,
            smoke={"bits": 4},
            api=3,
            threat_model="thief holds the weights and no data",
            deviations=(
                "torch's symmetric quantisers; the SoK code takes midpoints of equal intervals, norms and biases too",
                "activations stay as they are, and nothing is fine-tuned afterwards",
            ),
        )
    ]
