"""Parameters of retraining."""

from __future__ import annotations

from typing import Annotated, Literal

from ownmark.config import Nested, configuration
from ownmark.contracts import Recipe, overriding
from ownmark.methods import Kind
from ownmark_repair.students import EXTRACTION


@configuration
class RetrainConfig:
    """Who learns, and from which answers."""

    host: Annotated[Nested, Kind.HOST]
    """The architecture that is trained; the thief does not hold the stolen network, and chooses one."""
    answers: Literal["auto", "scores", "labels"] = "auto"
    """Class probabilities (SoK), or labels; `auto` takes what the plan grants."""
    recipe: Annotated[Recipe, overriding(EXTRACTION)] = EXTRACTION
    """Training."""
