"""Parameters of DeepIPR."""

from __future__ import annotations

from typing import Literal

from ownmark.config import Count, configuration
from ownmark_passports.config import PassportConfig


@configuration
class DeepIPRConfig(PassportConfig):
    """Which of the paper's three schemes, and where."""

    variant: Literal["V1", "V2", "V3"] = "V2"
    """V1: one branch, always under passports, released with their scales folded in. V2: a public branch beside
    it, which is released. V3: V2 with triggers in the batches (authors' names)."""
    layers: Literal["widest", "all"] | tuple[str, ...] = "widest"
    """Convolutions with a passport: those with the most channels (the five of layer4 in ResNet-18, as in the authors'
    configuration), all that feed a norm, or those named."""
    triggers: Count = 100
    """V3: size of the trigger set (paper)."""
    per_batch: Count = 2
    """V3: triggers added to each batch (authors' code)."""
