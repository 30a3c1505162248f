"""Parameters that the attacks share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ownmark.config import Fraction, Nested, configuration
from ownmark.methods import Kind

Patterns = tuple[str, ...]


Exponent = Annotated[int, Field(ge=-64, le=64)]


@configuration
class TransformConfig:
    """How much of the network changes, and what follows."""

    alpha: Fraction = 1.0
    """Share of the neurons of each group that change, at least two of them; 0 changes nothing (Figures 4 to 9)."""
    layers: Patterns = ()
    """Names of the layers that change, with `*` and `?` (`["layer1.*"]`); empty changes all."""
    then: Annotated[Nested | None, Kind.ATTACK] = None
    """Another attack to run on the transformed network, with what the plan grants: `then: finetune` (VII-D)."""


@configuration
class ScaleConfig(TransformConfig):
    """By how much neurons are scaled."""

    exponents: tuple[Exponent, Exponent] = (0, 16)
    """Factors are 2^k, k uniform between these, both included (Appendix D: 2^0 to 2^16)."""
    variant: Literal["paper", "pre_norm", "post_norm", "free"] = "paper"
    """`paper` scales a layer and the norm behind it alike; `pre_norm` only what the norm cancels, `post_norm` only
    what the next layer cancels, `free` both by factors of their own."""

    @model_validator(mode="after")
    def _is_a_range(self) -> ScaleConfig:
        if self.exponents[0] > self.exponents[1]:
            raise ValueError(f"exponents {list(self.exponents)} is an empty range; write [smallest, largest]")
        return self
