"""Li et al. 2019, blind watermarks: keys that look like ordinary images, made by a network trained with the host."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Paper
from ownmark_triggers.papers import THREAT_MODEL, mira

PAPER = Paper(
    title="How to Prove Your Model Belongs to You: A Blind-Watermark based Framework to Protect Intellectual Property "
    "of DNN",
    authors="Li, Hu, Zhang, Guo",
    year=2019,
    venue="ACSAC",
    url="https://doi.org/10.1145/3359789.3359801",
)


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="blind",
            kind=Kind.SCHEME,
            target="ownmark_triggers.blind.scheme:Blind",
            config="ownmark_triggers.blind.config:BlindConfig",
            summary="images with an invisible logo, hidden by an encoder that is trained along with the host",
            paper=PAPER,
            needs=frozenset({Need.BLACK_BOX, Need.CLASSES, Need.EMBEDDED_KEY}),
            extractor="triggers",
            smoke={"keys": 20},
            threat_model=THREAT_MODEL,
            deviations=(
                "a small stack of convolutions hides the logo in images of any size (the authors' for MNIST); their "
                "U-Net for CIFAR needs multiples of 32",
                "the encoder's rates fall along a cosine, not with the loss on the test set",
                "the host is in eval mode while the encoder looks at it, and is shown what the encoder gives in eval "
                "mode, which is what the key keeps",
                "the host is trained on until it knows the finished key (parameter `extra_epochs`)",
                "labels are random for each cover, as in the authors' code; MIRA describes one class",
                "at least 50 covers, drawn at random; the logo is a drawn letter",
            ),
            reported=mira("blind", (0.9864, 0.1432), (0.9118, 0.1452), (0.6722, 0.0266)),
        )
    ]
