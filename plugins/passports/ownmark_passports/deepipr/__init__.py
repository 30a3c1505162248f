"""DeepIPR (Fan et al. 2019, 2021): private norms whose scale and bias secret passports make out of the weights."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Reported
from ownmark_passports.papers import DEEPIPR, TABLE, table_one, table_two


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="deepipr",
            kind=Kind.SCHEME,
            target="ownmark_passports.deepipr.scheme:DeepIPR",
            config="ownmark_passports.deepipr.config:DeepIPRConfig",
            summary="a message in the signs of scales that passports make, and a private branch that needs them",
            paper=DEEPIPR,
            needs=frozenset({Need.WHITE_BOX}),
            extractor="deepipr",
            smoke={"message": "ok"},
            smoke_host={"norm": "group"},
            threat_model="verifier holds the suspect's weights; passports and message are secret",
            deviations=(
                "BatchNorm behind a passport layer gives way to GroupNorm, 16 channels a group; other norms stay",
                "the host keeps its ReLUs; the authors put one into every passport layer",
                "the text runs on from layer to layer, under a one-time pad that makes chance exactly 1/2",
                "the host's recipe trains; the authors used 200 epochs at rate 0.01, weight decay 1e-4",
                "V1 releases the folded network, V3's triggers are noise images with random labels",
            ),
            reported=(
                Reported(0.6794, "accuracy", TABLE, "cifar100", "resnet", "deepipr"),
                Reported(0.6789, "private_accuracy", TABLE, "cifar100", "resnet", "deepipr"),
                Reported(1.0, "evidence", TABLE, "cifar100", "resnet", "deepipr"),
                *table_one(),
                *table_two("deepipr", (0.0113, 0.0177, 0.0491, 0.0030)),
            ),
        )
    ]


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """The extractor."""
    return [
        Declaration(
            id="deepipr",
            kind=Kind.EXTRACTOR,
            target="ownmark_passports.deepipr.extractor:DeepIPRExtractor",
            summary="signs of the scales that passports make; accuracy under the private norms beside them",
            paper=DEEPIPR,
            needs=frozenset({Need.WHITE_BOX}),
        )
    ]
