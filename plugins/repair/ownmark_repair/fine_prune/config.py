"""Parameters of fine-pruning."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ownmark.config import configuration
from ownmark.contracts import Recipe, overriding
from ownmark_repair.finetune.config import STRONG
from ownmark_repair.presets import laid_under

PRESETS: dict[str, dict[str, Any]] = {
    "app": {},
    "mira": {"share": 0.2, "unit": "neuron"},
    "wrt": {"share": 0.96, "unit": "neuron", "recipe": {"epochs": 10, "lr": 0.001, "schedule": "constant"}},
}


@configuration
class FinePruneConfig:
    """Which units go, and how the rest is trained."""

    preset: Literal["app", "mira", "wrt"] = "app"
    """Whose settings: 90 % of channels (APP paper, B.4), 20 % of neurons (MIRA), 96 % of neurons (SoK code)."""
    share: float = Field(default=0.9, ge=0, lt=1)
    """Share of the units that are pruned: the least active ones."""
    unit: Literal["channel", "neuron"] = "channel"
    """What is pruned: whole channels of the map, or each of its (channel, row, column)."""
    layer: str | None = None
    """The layer whose output is pruned; None takes the last feature map before the dense layers."""
    recipe: Annotated[Recipe, overriding(STRONG)] = STRONG
    """Fine-tuning afterwards (APP paper: as FT)."""
    labels: Literal["granted", "predicted"] = "granted"
    """True labels where the plan grants them, else the stolen network's predictions; or its predictions always."""

    _preset = model_validator(mode="before")(laid_under(PRESETS))
