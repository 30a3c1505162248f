"""Parameters of passport-aware normalisation."""

from __future__ import annotations

from typing import Literal

from ownmark.config import configuration
from ownmark_passports.config import PassportConfig


@configuration
class PassportAwareConfig(PassportConfig):
    """Where the passports sit, and how the branches are trained."""

    layers: Literal["widest", "all"] | tuple[str, ...] = "all"
    """Convolutions with a passport: all that feed a norm (4800 bits in ResNet-18, the authors' configuration), those
    with the most channels (their `_ori` configuration), or those named."""
    order: Literal["summed", "alternating"] = "summed"
    """Both branches' losses in every step (authors' code), or public and private steps in turn (paper)."""
    read: Literal["before", "after"] = "before"
    """Where the signature is: in gamma0, which goes into the FCN (authors' code), or in what comes out (invariance
    paper); the latter is read with the extractor `passport_aware_after`."""
