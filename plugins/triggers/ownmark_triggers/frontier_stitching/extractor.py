"""Reads stitched adversaries, both halves apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from ownmark.contracts import BlackBox, Evidence, Key
from ownmark.stats import fair_coin_tolerance
from ownmark_triggers.triggers.extractor import Triggers

RATE = 0.05
"""Error rate of the paper's own test."""


class FrontierStitchingExtractor(Triggers):
    """Keys with their true labels, and what the paper's fair-coin test says of them."""

    def extract_many(
        self, suspect: BlackBox, keys: Sequence[Key], own: nn.Module | None = None
    ) -> list[Evidence]:
        """Extras: rates of both halves; mismatches, the fair-coin tolerance, and whether the paper would claim.

        The paper claims with *fewer* mismatches than the tolerance (42 of 100). Its null, a fair coin for each
        key, is no network's; the verdict uses null models.
        """
        found = super().extract_many(suspect, keys, own)
        return [_described(one, key.values["true"]) for one, key in zip(found, keys, strict=True)]


def _described(found: Evidence, true: int) -> Evidence:
    tolerance = fair_coin_tolerance(found.n, RATE)
    mismatches = found.n - found.hits
    extras = {
        "true_adversaries": float(found.matches[:true].float().mean()),
        "false_adversaries": float(found.matches[true:].float().mean()),
        "mismatches": float(mismatches),
        "fair_coin_tolerance": float(tolerance),
        "fair_coin_claim": "yes" if mismatches < tolerance else "no",
    }
    return replace(found, extras={**found.extras, **extras})
