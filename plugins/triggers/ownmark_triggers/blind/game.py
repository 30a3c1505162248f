"""One step of discriminator and encoder before each step of the host, and what the host is shown of it."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import Batch, Samples, evaluating
from ownmark_triggers.blind.config import BlindConfig
from ownmark_triggers.blind.players import Discriminator, Encoder
from ownmark_triggers.blind.ssim import ssim
from ownmark_triggers.learning import some
from ownmark_triggers.networks import settled


def materialised(encoder: Encoder, covers: Tensor, logo: Tensor) -> Tensor:
    """The key images [N, C, H, W] that a frozen encoder gives, whatever mode it is in; nothing in it changes."""
    with evaluating(encoder):
        images: Tensor = encoder(covers, logo)
        return images


def _verdict(logits: Tensor, genuine: bool) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(genuine)))


def encoder_loss(
    covers: Tensor, images: Tensor, logits: Tensor, label_loss: Tensor, config: BlindConfig
) -> Tensor:
    """3 MSE + 5 (1 - SSIM) + 1 BCE(D(e), 1) + .1 CE(H(e), y): scalar.

    Args:
        covers, images: [N, C, H, W] in [0, 1]. logits: of the discriminator on the images [N].
    """
    pixel = F.mse_loss(2 * covers, 2 * images)
    structure = 1 - ssim(covers, images)
    return (
        config.pixel * pixel
        + config.structure * structure
        + config.hiding * _verdict(logits, True)
        + config.label * label_loss
    )


class Game:
    """A batch transform: trains discriminator and encoder on some covers, and appends their key images to the batch.

    Of one training; it owns two optimisers.

    Args:
        host: the network being trained. covers: with the labels of the key. logo: [C, H, W].
        steps: of the whole training, for the rates' cosine.
    """

    def __init__(
        self,
        players: tuple[Encoder, Discriminator],
        host: nn.Module,
        covers: Samples,
        logo: Tensor,
        config: BlindConfig,
        steps: int,
    ) -> None:
        self.encoder, self.discriminator = players
        self._host, self._covers, self._logo, self._config = host, covers, logo, config
        optimisers = [torch.optim.Adam(player.parameters(), config.lr, (0.5, 0.999)) for player in players]
        self._encoder_step, self._discriminator_step = optimisers
        self._schedules = [
            torch.optim.lr_scheduler.LambdaLR(
                one, lambda step: 0.5 * (1 + math.cos(math.pi * min(1, step / steps)))
            )
            for one in optimisers
        ]

    def __call__(self, batch: Batch, rng: torch.Generator) -> Batch:
        """One step each, in the order discriminator, encoder; the host's own step follows."""
        covers = some(self._covers, batch, self._config.per_batch, rng)
        with torch.enable_grad():
            self._train_discriminator(covers.x)
            self._train_encoder(covers)
        for schedule in self._schedules:
            schedule.step()
        return batch.append(Samples(materialised(self.encoder, covers.x, self._logo), covers.y))

    def _train_discriminator(self, covers: Tensor) -> None:
        with torch.no_grad():
            images = self.encoder(covers, self._logo)
        judged = self.discriminator(torch.cat([covers, images])).chunk(2)
        self._discriminator_step.zero_grad()
        torch.autograd.backward(_verdict(judged[0], True) + _verdict(judged[1], False))
        self._discriminator_step.step()

    def _train_encoder(self, covers: Samples) -> None:
        images = self.encoder(covers.x, self._logo)
        with settled(self._host):
            label_loss = F.cross_entropy(self._host(images).float(), covers.labels)
        loss = encoder_loss(covers.x, images, self.discriminator(images), label_loss, self._config)
        self._encoder_step.zero_grad()
        torch.autograd.backward(loss, inputs=list(self.encoder.parameters()))
        self._encoder_step.step()
