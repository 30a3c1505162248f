"""Parameters of MIRA."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ownmark.config import configuration
from ownmark.contracts import Recipe, overriding
from ownmark_mira.config import UNLEARNING, DetectionConfig, RecoveryConfig, SplitConfig, UnlearningConfig


@configuration
class MiraConfig(UnlearningConfig, SplitConfig, DetectionConfig, RecoveryConfig):
    """Recovery, detection, split and unlearning."""

    objective: Literal["improved", "basic"] = "improved"
    """`improved` detects the target class and splits the pictures (Equations 6 and 7); `basic` pushes all of them
    towards the uniform answer (Equation 4)."""
    alpha_kl: float = Field(default=15.0, ge=0)
    """Weight of the divergence of the basic objective (section 6.1)."""
    recipe: Annotated[Recipe, overriding(UNLEARNING)] = UNLEARNING
    """The unlearning; 10 epochs (section 6.1), 40 in the code."""
