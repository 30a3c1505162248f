"""Parameters of conferrable adversarial examples."""

from __future__ import annotations

from pydantic import Field

from ownmark.config import configuration


@configuration
class CaeConfig:
    """The two ensembles, the search, and what is good enough."""

    keys: int = Field(default=100, ge=1)
    """Most images in the key (paper: 100)."""
    surrogates: int = Field(default=4, ge=1)
    """Networks trained on the labels that the owner's network gives (paper: 18)."""
    references: int = Field(default=4, ge=1)
    """Networks trained on the true labels (paper: 18)."""
    eps: float | None = Field(default=None, gt=0)
    """Largest change of a pixel. None takes .025 from 32 pixels on (paper, CIFAR-10), .15 below."""
    steps: int = Field(default=100, ge=1)
    """Steps of Adam (authors' code: 100)."""
    lr: float | None = Field(default=None, gt=0)
    """Rate of Adam; None takes a tenth of the bound."""
    kept: float = Field(default=0.7, gt=0, le=1)
    """Probability of each network of either ensemble to take part in a step."""
    conferrable: float = Field(default=1.0, ge=0)
    """Weight of the conferrability term."""
    away: float = Field(default=0.03, ge=0)
    """Weight of the distance from the owner's network's former answer (paper: 1)."""
    agreeing: float = Field(default=1.0, ge=0)
    """Weight of the agreement of surrogates with the owner's network."""
    least: float = Field(default=0.7, ge=0, le=1)
    """Conferrability below which an image is no key (authors' code: .85); the highest come first in any case."""
    pool: int = Field(default=20, ge=1)
    """Images that are drawn for each key, at most."""
    candidates: int = Field(default=5, ge=1)
    """Images that are tried for each key, at most: of those drawn, the ones the network is least certain of. The
    search ends once there are enough."""
    mix: float = Field(default=0.5, ge=0, le=1)
    """Surrogates learn from images that another image is mixed into, up to this share (paper: 0)."""
    noise: float = Field(default=0.2, ge=0)
    """... and with noise of this standard deviation (paper: 0)."""
