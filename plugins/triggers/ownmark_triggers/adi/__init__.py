"""Adi et al. 2018: abstract pictures with random labels, which can be committed to."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Paper
from ownmark_triggers.papers import THREAT_MODEL, mira, pst


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="adi",
            kind=Kind.SCHEME,
            target="ownmark_triggers.adi.scheme:Adi",
            config="ownmark_triggers.adi.config:AdiConfig",
            summary="abstract pictures with random labels, a few in every batch; can be committed to in public",
            paper=Paper(
                title="Turning Your Weakness Into a Strength: Watermarking Deep Neural Networks by Backdooring",
                authors="Adi, Baum, Cisse, Pinkas, Keshet",
                year=2018,
                venue="USENIX Security",
                url="https://arxiv.org/abs/1802.04633",
            ),
            needs=frozenset({Need.BLACK_BOX, Need.CLASSES}),
            extractor="triggers",
            smoke={"keys": 20},
            idle={"per_batch": 0, "extra_epochs": 0},
            threat_model=THREAT_MODEL,
            deviations=(
                "pictures are drawn (waves, Voronoi cells, plasma); the authors took 100 from the web",
                "the host's recipe in place of 60 epochs from 0.1; further training of a trained host at 0.01",
                "further epochs, 30 at most, until every key is known",
                "on sets of fewer than 500 batches, more than 2 triggers a batch, to keep ten views an epoch",
            ),
            reported=(*mira("adi", (0.9882, 0.1490), (0.9391, 0.1425), (0.7556, 0.0176)), *pst("adi")),
        )
    ]
