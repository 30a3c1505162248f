"""Parameters of conferrable adversarial examples."""

from __future__ import annotations

from pydantic import Field

from ownmark.config import Count, Fraction, NonNegative, Positive, Rate, configuration


@configuration
class CaeConfig:
    """The two ensembles, the search, and what is good enough."""

    keys: Count = 100
    """Most images in the key (paper: 100)."""
    surrogates: Count = 4
    """Networks trained on the labels that the owner's network gives (paper: 18)."""
    references: Count = 4
    """Networks trained on the true labels (paper: 18)."""
    eps: Positive | None = None
    """Largest change of a pixel. None takes .025 from 32 pixels on (paper, CIFAR-10), .15 below."""
    steps: Count = 100
    """Steps of Adam (authors' code: 100)."""
    lr: Rate | None = None
    """Rate of Adam; None takes a tenth of the bound."""
    kept: float = Field(default=0.7, gt=0, le=1)
    """Probability of each network of either ensemble to take part in a step."""
    conferrable: NonNegative = 1.0
    """Weight of the conferrability term."""
    away: NonNegative = 0.03
    """Weight of the distance from the owner's network's former answer (paper: 1)."""
    agreeing: NonNegative = 1.0
    """Weight of the agreement of surrogates with the owner's network."""
    least: Fraction = 0.7
    """Conferrability below which an image is no key (authors' code: .85); the highest come first in any case."""
    pool: Count = 20
    """Images that are drawn for each key, at most."""
    candidates: Count = 5
    """Images that are tried for each key, at most: of those drawn, the ones the network is least certain of. The
    search ends once there are enough."""
    mix: Fraction = 0.5
    """Surrogates learn from images that another image is mixed into, up to this share (paper: 0)."""
    noise: NonNegative = 0.2
    """... and with noise of this standard deviation (paper: 0)."""
