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
    label_on: Literal["transformed", "clean"] = "transformed"
    """The stolen network labels what the training sees (Algorithm 1, line 19), or the image before its transform."""
