"""Reads DeepIPR: see `ownmark_passports.reading`."""

from __future__ import annotations

from ownmark_passports.reading import PassportExtractor


class DeepIPRExtractor(PassportExtractor):
    """bit = (mean conv(W, P_gamma) > 0); the private branch normalises with statistics of the very input."""
