"""Reads passport-aware normalisation: see `ownmark_passports.reading`."""

from __future__ import annotations

from ownmark_passports.reading import AfterExtractor, PassportExtractor


class PassportAwareExtractor(PassportExtractor):
    """bit = (gamma0 > 0), gamma0 = mean conv(W, P_gamma); the private branch uses the owner's statistics and FCN."""


class PassportAwareAfter(AfterExtractor):
    """bit = (F(gamma0) > 0)."""
