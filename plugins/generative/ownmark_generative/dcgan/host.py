"""DCGAN with hinge loss, as IPR-GAN trains it.

Paper: Radford et al. 2016; recipe of IPR-GAN's code (hinge loss, a critic under spectral norm, Adam).
Equations: critic mean relu(1 - D(x)) + mean relu(1 + D(G(z))), generator -mean D(G(z)).
Symbols: z [N, Z], pictures [N, C, H, W] in [0, 1].
Deviations: steps are epochs of the recipe; two blocks instead of three below 32 pixels.
Reported: FID 54.33 on CUB-200 at 64 pixels (invariance paper, Table II), with Inception features.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import Batch, Duel, Goal, Host, Samples, Term
from ownmark.errors import NotApplicable
from ownmark_generative.dcgan.config import DCGANConfig
from ownmark_generative.dcgan.networks import Critic, Generator, blocks_of


def latents(network: Generator, count: int, like: Tensor) -> Tensor:
    """Standard normal [count, Z] from torch's own generator, where `like` is."""
    return torch.randn((count, network.latent), device=like.device)


class Hinge(Duel):
    """The GAN's loss: a critic tells real pictures from made ones."""

    def __init__(self, width: int) -> None:
        self.width = width

    def rival(self, network: nn.Module) -> nn.Module:
        """A new critic."""
        assert isinstance(network, Generator)
        return Critic(network.shape, self.width)

    def resist(self, rival: nn.Module, network: nn.Module, batch: Batch, step: int) -> Tensor:
        """mean relu(1 - D(x)) + mean relu(1 + D(G(z)))."""
        assert isinstance(network, Generator)
        with torch.no_grad():
            made = network(latents(network, len(batch.x), batch.x))
        return F.relu(1 - rival(batch.x)).mean() + F.relu(1 + rival(made)).mean()

    def play(self, rival: nn.Module, network: nn.Module, batch: Batch, step: int) -> Tensor:
        """-mean D(G(z))."""
        assert isinstance(network, Generator)
        loss: Tensor = -rival(network(latents(network, len(batch.x), batch.x))).mean()
        return loss


class DCGAN(Host):
    """Makes pictures out of latent vectors."""

    config: DCGANConfig
    goal = Goal.GENERATION

    @property
    def utility(self) -> str:  # type: ignore[override]
        """FID on the features that the parameters name."""
        return f"fid_{self.config.features}"

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """See `Host.build`; 8 to 64 pixels, as often even as there are blocks."""
        _, height, width = shape
        blocks = blocks_of(min(height, width))
        if not 8 <= min(height, width) <= max(height, width) <= 64 or height % 2**blocks or width % 2**blocks:
            raise NotApplicable(
                f"dcgan makes pictures of 8 to 64 pixels that halve {blocks} times, these are {height} x {width}"
            )
        return Generator(shape, self.config.latent, self.config.width)

    def questions(self, test: Samples, rng: torch.Generator) -> Tensor:
        """As many latent vectors as there are test pictures."""
        return torch.randn((len(test), self.config.latent), generator=rng)

    def terms(self) -> Sequence[Term]:
        """The hinge loss."""
        return (Hinge(self.config.critic_width),)
