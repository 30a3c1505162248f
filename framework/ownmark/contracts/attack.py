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
    from ownmark.contracts.views import Stolen, Suspect


class Attack(ABC):
    """Works on a stolen network with what its threat model grants, and nothing else.

    Args:
        config: the declaration's parameter class, or None. Nested methods follow as keyword arguments.
    """

    def __init__(self, config: Any = None) -> None:
        self.config = config

    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
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

    def restore(self, network: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
        """Give a copy of the marked network the suspect's weights; override if the attack changes layers.

        Layers may have become wider or narrower without that.
        """
        return load_weights(network, state)
