"""Attacks: ways to turn a marked model into a suspect."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ownmark.contracts.loading import load_weights

if TYPE_CHECKING:
    from ownmark.contracts.fit import Fit
    from ownmark.contracts.views import Shape, Stolen, Suspect


class Attack(ABC):
    """Works on a stolen network with what its threat model grants, and nothing else.

    The suspect may be of any architecture, as long as it takes the task's inputs and answers as its networks do:
    black-box extractors query it, white-box ones call it unreadable if they find nothing to read.

    Args:
        config: the declaration's parameter class, or None. Nested methods follow as keyword arguments.
    """

    def __init__(self, config: Any = None) -> None:
        self.config = config

    def check(self, network: nn.Module, shape: Shape, classes: int) -> None:
        """Say before any training that this host cannot be attacked so.

        Raises:
            NotApplicable: with the reason.
        """
        return None

    @abstractmethod
    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Attack `stolen.network`, which may be changed in place, and return what the thief ends up with."""

    def serve(self, network: nn.Module, rng: torch.Generator) -> nn.Module:
        """What answers queries when `network` is deployed; a query-time attack puts its transform in front.

        White-box extraction reads `network`; black-box extraction queries this.
        """
        return network

    def preview(self, x: Tensor, rng: torch.Generator) -> Tensor | None:
        """Inputs [N, C, H, W] as the deployed network gets to see them; None if nothing stands in front of it."""
        return None

    def restore(
        self, network: nn.Module, state: Mapping[str, Tensor], shape: Shape = (0, 0, 0), classes: int = 0
    ) -> nn.Module:
        """A network with the suspect's weights, as `attack` left it.

        Override it if the suspect has other layers than the marked network, or is another architecture altogether;
        layers may have become wider or narrower without that.

        Args:
            network: a copy of the marked network; an untrained host if the attack declares `BLACK_BOX`.
            state: the suspect's state dict. shape, classes: of the task; the core always gives them.
        """
        return load_weights(network, state)
