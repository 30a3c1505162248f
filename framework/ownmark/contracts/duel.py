"""Losses of two players: a network, and a rival that learns to beat it while it is trained."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from ownmark.contracts.samples import Batch
from ownmark.errors import NotApplicable


class Duel(ABC):
    """A loss term with a rival, as the discriminator of a GAN is one.

    It stands among the terms of a host like any other, so a scheme passes it on with them. The loop makes a rival for
    each training; at each step first the rival learns from `resist`, then the network from the sum of its terms.
    Both have an optimiser of the recipe. The rival is in no state dict, and gone once the training ends.
    """

    @abstractmethod
    def rival(self, network: nn.Module) -> nn.Module:
        """A new rival for `network`; draws its weights from torch's own generator, which is seeded around this call."""

    @abstractmethod
    def resist(self, rival: nn.Module, network: nn.Module, batch: Batch, step: int) -> Tensor:
        """The rival's loss, a scalar; detach what the network makes."""

    @abstractmethod
    def play(self, rival: nn.Module, network: nn.Module, batch: Batch, step: int) -> Tensor:
        """The network's loss against its rival, a scalar."""

    def __call__(self, network: nn.Module, batch: Batch, step: int) -> Tensor:
        """Not without a rival.

        Raises:
            NotApplicable: always; `fit` trains with it.
        """
        raise NotApplicable(
            f"{type(self).__name__} is a loss of two players; train with `fit`, which makes the rival"
        )
