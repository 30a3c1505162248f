"""Parameters of fine-tuning."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import model_validator

from ownmark.config import configuration
from ownmark.contracts import Recipe, overriding
from ownmark_repair.presets import laid_under

STRONG = Recipe(epochs=30, batch_size=128, lr=0.05, schedule="every", period=5, factor=0.5, augment="none")
"""The APP paper's fine-tuning (appendix B.4): SGD .9, lr .05 halved every 5 epochs, weight decay 5e-4 (its code), and
no augmentation, which its code did not apply when its tables were made."""

_SOK: dict[str, Any] = {"epochs": 5, "lr": 0.001, "schedule": "constant"}
PRESETS: dict[str, dict[str, Any]] = {
    "app": {},
    "ftal": {"recipe": _SOK},
    "ftll": {"recipe": _SOK, "layers": "last"},
    "rtal": {"recipe": _SOK, "reinit_last": True, "labels": "predicted"},
    "rtll": {"recipe": _SOK | {"epochs": 10}, "layers": "last", "reinit_last": True, "labels": "predicted"},
    "refit": {"recipe": {"epochs": 60, "batch_size": 100, "period": 1, "factor": 0.9}},
}
"""The APP paper's; the SoK's quartet (all or last layers, with or without a new last one); REFIT's schedule, which
MIRA's "Finetuning" rows use too."""


@configuration
class FinetuneConfig:
    """What is trained, on which labels, and how."""

    preset: Literal["app", "ftal", "ftll", "rtal", "rtll", "refit"] = "app"
    """Whose settings; anything else that is said wins over them."""
    recipe: Annotated[Recipe, overriding(STRONG)] = STRONG
    """The training; `recipe: {augment: crop-flip}` for the augmented variant."""
    layers: Literal["all", "last"] = "all"
    """Train everything (FTAL, RTAL) or the last layer only (FTLL, RTLL)."""
    reinit_last: bool = False
    """Start from a new last layer (RTAL, RTLL)."""
    labels: Literal["granted", "predicted"] = "granted"
    """True labels where the plan grants them, else the stolen network's predictions; or its predictions always."""

    _preset = model_validator(mode="before")(laid_under(PRESETS))
