"""Parameters of adversarial parametric perturbation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ownmark.config import MOST, Count, NonNegative, configuration
from ownmark_robust.config import HardenedConfig


@configuration
class AppConfig(HardenedConfig):
    """The perturbation, its weight, and whose statistics BatchNorm takes while it is found and answered."""

    alpha: NonNegative = 0.01
    """Weight of the perturbed loss (section 4.1); 0 leaves plain data poisoning."""
    epsilon: NonNegative = 0.02
    """Length of the perturbation relative to the parameters' (section 4.1: .02; ImageNet .01)."""
    scope: Literal["tensor", "global"] = "tensor"
    """`tensor`: each weight moves by epsilon of its own length, BatchNorm stays (the authors' code); `global`: all
    parameters together move by epsilon of their common length (Eq. 5)."""
    norm: Literal["clean", "mixed", "triggers"] = "clean"
    """BatchNorm's statistics in the perturbed passes: of the clean rows (c-BN, section 3.3), of both (Table 3's "APP
    only" as the code runs it), or of triggers that are alone in their batch (as the text describes it)."""
    triggers_a_step: Count = 64
    """Triggers in each perturbed pass (appendix B.3)."""
    clean_a_step: int = Field(default=64, ge=2, le=MOST)
    """Clean images of the current batch that go with them (appendix B.3)."""
