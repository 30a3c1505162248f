"""Parameters of distillation."""

from __future__ import annotations

from typing import Annotated

from ownmark.config import Nested, Positive, configuration
from ownmark.contracts import Recipe, overriding
from ownmark.methods import Kind
from ownmark_repair.students import EXTRACTION


@configuration
class DistillConfig:
    """Who learns, and how softly."""

    host: Annotated[Nested | None, Kind.HOST] = None
    """The student's architecture; None takes the stolen network's own, newly initialised."""
    temperature: Positive = 3.0
    """T, by which logits of both are divided (SoK: 3)."""
    recipe: Annotated[Recipe, overriding(EXTRACTION)] = EXTRACTION
    """Training of the student."""
