"""Parameters of the DCGAN."""

from __future__ import annotations

from typing import Annotated, Literal

from ownmark.config import Count, configuration
from ownmark.contracts import Recipe, overriding

RECIPE = Recipe(
    epochs=100, batch_size=64, optimizer="adam", lr=2e-4, momentum=0.5, weight_decay=0, schedule="constant",
    channels_last=False,
)  # fmt: skip
"""Adam at 2e-4 with betas 0.5 and 0.999, batches of 64 (IPR-GAN's code, which takes 100,000 steps)."""


@configuration
class DCGANConfig:
    """Size of the generator, its critic, and how both are trained."""

    latent: Count = 128
    """Length of a latent vector."""
    width: Count = 64
    """Channels of the last block; the first has eight times as many at 32 pixels and more, four times below."""
    critic_width: Count = 64
    """Channels of the critic's first layer."""
    features: Literal["random", "pixels", "inception"] = "random"
    """What the FID that judges it is taken on; the metric `fid_...` of that name."""
    recipe: Annotated[Recipe, overriding(RECIPE)] = RECIPE
    """Both players' training."""
