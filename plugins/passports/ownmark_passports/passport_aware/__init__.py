"""Passport-aware normalisation (Zhang et al. 2020): a private BatchNorm, and an FCN between passport and scale."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need, Reported
from ownmark_passports.papers import PASSPORT_AWARE, TABLE, table_one, table_three, table_two


@hookimpl
def ownmark_schemes() -> Iterable[Declaration]:
    """The scheme."""
    return [
        Declaration(
            id="passport_aware",
            kind=Kind.SCHEME,
            target="ownmark_passports.passport_aware.scheme:PassportAware",
            config="ownmark_passports.passport_aware.config:PassportAwareConfig",
            summary="passports behind an FCN, and a second BatchNorm whose statistics stay with the owner",
            paper=PASSPORT_AWARE,
            needs=frozenset({Need.WHITE_BOX}),
            extractor="passport_aware",
            smoke={"message": "ok", "layers": "widest"},
            threat_model="verifier holds the suspect's weights; passports, FCN, statistics and message are secret",
            deviations=(
                "the text runs on from layer to layer, under a one-time pad that makes chance exactly 1/2",
                "the host keeps its ReLUs; the authors put one into every passport layer",
                "the host's recipe trains; the authors used 200 epochs at rate 0.01",
                "BatchNorms that follow no convolution directly also keep private statistics (pre-activation hosts)",
            ),
            reported=(
                Reported(0.7478, "accuracy", TABLE, "cifar100", "resnet", "passport_aware"),
                Reported(0.7274, "private_accuracy", TABLE, "cifar100", "resnet", "passport_aware"),
                Reported(1.0, "evidence", TABLE, "cifar100", "resnet", "passport_aware"),
                *table_one(),
                *table_two("passport_aware", (0.01, 0.01, 0.01, 0.01)),
                *table_three("passport_aware"),
            ),
        )
    ]


@hookimpl
def ownmark_extractors() -> Iterable[Declaration]:
    """Two extractors: before and after the FCN."""
    return [
        Declaration(
            id="passport_aware",
            kind=Kind.EXTRACTOR,
            target="ownmark_passports.passport_aware.extractor:PassportAwareExtractor",
            summary="signs of the scales that passports make, before the FCN; accuracy under the private norms",
            paper=PASSPORT_AWARE,
            needs=frozenset({Need.WHITE_BOX}),
        ),
        Declaration(
            id="passport_aware_after",
            kind=Kind.EXTRACTOR,
            target="ownmark_passports.passport_aware.extractor:PassportAwareAfter",
            summary="signs of the scales that the trained FCN puts out",
            paper=PASSPORT_AWARE,
            needs=frozenset({Need.WHITE_BOX, Need.EMBEDDED_KEY}),
            deviations=("fresh keys have no trained FCN, so its threshold comes from null models alone",),
        ),
    ]
