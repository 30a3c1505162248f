"""Parameters of overwriting at no cost."""

from __future__ import annotations

from typing import Literal

from ownmark.config import configuration


@configuration
class OverwriteConfig:
    """Whose message goes where."""

    message: str = "this one is mine now"
    """The attacker's text, 8 bits a byte, repeated until every sign is used; empty writes random bits."""
    carrier: Literal["gamma", "passport"] = "gamma"
    """`gamma`: signs of the norms' scales (IPR-GAN's way). `passport`: signs of the scales that passports of the
    attacker's own, uniform in [-1, 1], make of the convolutions in front of a norm (DeepIPR's way)."""
    layers: tuple[str, ...] = ()
    """Names of the norms, or convolutions, to write to, with `*` and `?`; empty writes to all."""
