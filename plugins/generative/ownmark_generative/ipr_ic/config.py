"""Parameters of IPR-IC."""

from __future__ import annotations

from typing import Literal

from ownmark.config import Count, NonNegative, configuration


@configuration
class IPRICConfig:
    """Message, key and strengths."""

    message: str = "this is my signature"
    """Text in the signs, repeated over all units; what is embedded is its sum with a random pad of the key."""
    margin: NonNegative = 0.1
    """How far from 0 the state is pressed (authors' code)."""
    strength: NonNegative = 0.1
    """Weight of the sign loss, a sum over units and a mean over pictures (authors' code)."""
    state_key: Literal["multiply", "none"] = "multiply"
    """Whether signs of the key multiply the state on its way into cell and attention."""
    pictures: Count = 16
    """Of the owner's that the key keeps, to read the state on."""
