"""Parameters of PST with fine-tuning."""

from __future__ import annotations

from typing import Annotated, Literal

from ownmark.config import configuration
from ownmark.contracts import Recipe, overriding
from ownmark_pst.finetune_unlabelled.config import TWENTY
from ownmark_pst.pst.config import PSTConfig


@configuration
class PSTFinetuneConfig(PSTConfig):
    """The transform, and the training behind it."""

    recipe: Annotated[Recipe, overriding(TWENTY)] = TWENTY
    """The training."""
    label_on: Literal["transformed", "same", "clean"] = "transformed"
    """What the stolen network labels: a transform of the image with draws of its own, so that the student learns the
    average answer (Algorithm 1 draws in line 19 and again in line 20); the very transform that the training sees, on
    which the stolen network is right as it is, so that nothing is learnt; or the image before any transform."""
