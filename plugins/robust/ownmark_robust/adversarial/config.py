"""Parameters of adversarially trained hosts."""

from __future__ import annotations

from typing import Annotated, Literal

from ownmark.config import Count, Nested, NonNegative, configuration
from ownmark.methods import Kind


@configuration
class AdversarialConfig:
    """Which host, and how it is hardened against changed inputs."""

    host: Annotated[Nested, Kind.HOST]
    """The network and its recipe."""
    method: Literal["pgd", "trades"] = "pgd"
    """`pgd`: train on perturbed images alone (Madry et al.); `trades`: on clean ones, with the divergence of perturbed
    ones from them (Zhang et al.)."""
    epsilon: NonNegative = 8 / 255
    """Largest change of a pixel."""
    step: NonNegative = 2 / 255
    """Change of a pixel in one step of the search."""
    steps: Count = 10
    """Steps of the search."""
    beta: NonNegative = 6.0
    """Weight of TRADES's divergence."""
