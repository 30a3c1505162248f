"""Hosts trained against perturbed images: PGD-AT (Madry et al., ICLR 2018) and TRADES (Zhang et al., ICML 2019).

Idea: the same network, trained so that small changes of its inputs do not change its answers. Table 12 of the APP paper
asks whether marks in such networks last longer; they do not.
Functions: `search.perturbed` finds images, `search.Adversarial` is the loss that replaces the host's.
Symbols: images [B, C, H, W] in [0, 1].
Reported: Content after fine-tuning: PGD-AT 20.59 %, TRADES 46.24 %, vanilla 56.78 % (APP paper, Table 12).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from ownmark.contracts import Host, Recipe, Term, Transform
from ownmark_robust.adversarial.config import AdversarialConfig
from ownmark_robust.adversarial.search import Adversarial


class AdversarialHost(Host):
    """Another host, trained against perturbed images.

    Args:
        host: builds the network and has the recipe.
    """

    config: AdversarialConfig

    def __init__(self, config: Any = None, *, host: Host) -> None:
        super().__init__(config)
        self._host = host
        self.utility = host.utility

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The other host's network."""
        return self._host.build(shape, classes)

    @property
    def recipe(self) -> Recipe:
        """The other host's."""
        return self._host.recipe

    def terms(self) -> Sequence[Term]:
        """The adversarial loss alone."""
        return (Adversarial(self.config),)

    def transforms(self) -> Sequence[Transform]:
        """The other host's."""
        return self._host.transforms()
