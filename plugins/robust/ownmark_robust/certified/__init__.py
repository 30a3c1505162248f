"""Bansal et al. 2022: triggers that noisy copies of a network know, and the certificate that follows."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Reported
from ownmark_robust.papers import CERTIFIED, THREAT_MODEL

_TABLE_1 = (("accuracy", 0.9373), ("wsr", 0.9962))
"""Content, before attacks."""
_TRIGGER = {"trigger": {"adi": {"keys": 20}}}


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="certified",
            kind=Kind.SCHEME,
            target="ownmark_robust.certified.scheme:Certified",
            config="ownmark_robust.certified.config:CertifiedConfig",
            summary="hardens another scheme's triggers: they are taught under noise on the weights",
            paper=CERTIFIED,
            needs=frozenset({Need.BLACK_BOX, Need.CLASSES}),
            extractor="triggers",
            smoke={**_TRIGGER, "repeats": 4, "sigma": 0.05, "levels": 2, "draws": 2, "warmup": 6},
            threat_model=THREAT_MODEL,
            deviations=(
                "every trigger is taught in each epoch; the code drops those that do not fill a batch, 36 of 100",
                "noisy passes leave BatchNorm's running statistics alone; the code lets the next epoch repair them",
                "the host's recipe, as the APP paper does, not the authors' (rate .05 divided by ten every 30 epochs)",
            ),
            reported=tuple(
                Reported(value, metric, "APP paper, Table 1 (CW, Content)", "cifar10", "resnet", "certified")
                for metric, value in _TABLE_1
            ),
        )
    ]


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """The certificate."""
    return [
        Declaration(
            id="certificate",
            kind=Kind.EXTRACTOR,
            target="ownmark_robust.certified.extractor:Certificate",
            config="ownmark_robust.certified.config:CertificateConfig",
            summary="triggers that the median of noisy copies knows, with bounds for all networks nearby",
            paper=CERTIFIED,
            needs=frozenset({Need.WHITE_BOX, Need.CLASSES}),
            smoke={"sigma": 0.01, "draws": 20},
            threat_model="verifier holds the suspect's weights; triggers and their labels are secret",
            deviations=(
                "evidence is the copy whose accuracy is the median; the paper states the median alone",
            ),
        )
    ]
