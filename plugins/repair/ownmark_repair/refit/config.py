"""Parameters of REFIT."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import model_validator

from ownmark.config import Count, NonNegative, Whole, configuration
from ownmark.contracts import Recipe, overriding
from ownmark.methods import Need
from ownmark_repair.presets import laid_under

BASIC = Recipe(epochs=60, batch_size=100, lr=0.05, schedule="every", period=1, factor=0.9, augment="none")
"""Rate .05 times .9 after each of 60 epochs (authors' code)."""
_AU: dict[str, Any] = {"unlabelled": 50, "recipe": {"lr": 0.1, "period": 15, "factor": 0.1}}
PRESETS: dict[str, dict[str, Any]] = {
    "base": {},
    "ewc": {"ewc": 10.0, "recipe": {"lr": 0.15}},
    "au": _AU,
    "ewc_au": {**_AU, "ewc": 10.0},
}


@configuration
class RefitConfig:
    """The schedule, and what keeps the task where labelled images are few."""

    preset: Literal["base", "ewc", "au", "ewc_au"] = "base"
    """The authors' settings: the schedule alone, with elastic weights, with unlabelled images, with both."""
    recipe: Annotated[Recipe, overriding(BASIC)] = BASIC
    """Fine-tuning, at a rate large enough to leave where the mark was put."""
    ewc: NonNegative = 0.0
    """lambda of elastic weight consolidation; 0 leaves it out."""
    fisher_samples: Count = 10000
    """Images from which the Fisher information is estimated, one label drawn for each."""
    unlabelled: Whole = 0
    """Transfer images added to each step, labelled by the stolen network; 0 leaves them out."""
    labels: Literal["granted", "predicted"] = "granted"
    """True labels where the plan grants them, else the stolen network's predictions; or its predictions always."""

    def needs(self) -> frozenset[Need]:
        """Transfer images, where they join each step."""
        return frozenset({Need.TRANSFER} if self.unlabelled else ())

    _preset = model_validator(mode="before")(laid_under(PRESETS))
