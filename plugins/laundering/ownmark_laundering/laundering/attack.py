"""Neural network laundering (Aiken, Kim, Woo, 2020; full title in `papers.NNL`).

Idea: reconstruct the trigger of the class that is most likely marked, silence the channels and neurons that it excites
and clean images do not, and retrain on clean images, stamped images under their true labels, and the triggers alone.
Threat model: the thief holds the weights and a few images, with true labels or labelled by the stolen network.
Equations: Eq. 1 and 2 are `cleanse.reconstruct`; A_diff = AW - AN (Algorithm 1) is `resetting.differences`; its
comparison with DT and CT is `resetting.excited`; step 3 is `retraining.retraining_set`.
Symbols: triggers [K, C, H, W] of K classes; A_diff [units] of each layer; images [N, C, H, W] in [0, 1].
Deviations: see the declaration in `__init__` and the method card.
Reported: Table 2, one round: CIFAR-10 with .6 % of the data, accuracy / watermark: content 87.65 / 1.4 %, noise
84.14 / .5 %, unrelated 85.34 / 16 %; adi (10.8 %) 88.25 / 7 %.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ownmark.contracts import Attack, Fit, Samples, Stolen, Suspect
from ownmark.errors import NotApplicable
from ownmark_laundering.cleanse import Reconstruction, reconstruct
from ownmark_laundering.findings import findings
from ownmark_laundering.images import labelled, per_class
from ownmark_laundering.laundering.config import LaunderingConfig
from ownmark_laundering.outliers import ranking
from ownmark_laundering.resetting import (
    DEEP,
    differences,
    excited,
    laundered_sites,
    renew_statistics,
    reset,
)
from ownmark_laundering.retraining import balanced, retraining_set
from ownmark_laundering.units import Site, sites

if TYPE_CHECKING:
    from pytorch_lightning import Callback


def reinforces(order: Sequence[int], first: int) -> bool:
    """The stop rule: the class that was the likeliest in the first round is the least likely now.

    Args:
        order: classes, the likeliest first. first: the likeliest of the first round.
    """
    return first == order[-1]


def launder(
    network: nn.Module, clean: Tensor, stamped: Tensor, where: Sequence[Site], config: LaunderingConfig
) -> list[Tensor]:
    """Step 2: reset in place what the trigger excites; the reset units of each site, bool [units]."""
    chosen = []
    for site, difference in zip(where, differences(network, clean, stamped, where, config.unit), strict=True):
        threshold = config.dense if site.dense else config.conv
        chosen.append(excited(difference, threshold, config.quantile))
        reset(site, chosen[-1], silence=config.hold, fill=config.fill)
    return chosen


class Laundering(Attack):
    """Rounds of reconstructing, resetting and retraining."""

    config: LaunderingConfig

    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        """There must be two classes to tell apart, and hidden units to reset."""
        if classes < 2:
            raise NotApplicable("laundering compares classes, and this task has one")
        if not self._sites(network, shape):
            raise NotApplicable(
                "the network has no hidden 2-D convolution or linear layer, so there is nothing to reset"
            )

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Launder a copy of the stolen network round by round."""
        samples = labelled(stolen, self.config.labels)
        if self.config.per_class is not None:
            samples = per_class(samples, self.config.per_class, rng)
        network, first = stolen.copy(), -1
        log: list[dict[str, Any]] = []
        where = self._sites(network, stolen.shape)
        dead = [torch.zeros(site.layer.weight.shape[0], dtype=torch.bool) for site in where]
        exhibits: dict[str, Tensor | float | str] = {}
        for number in range(self.config.rounds):
            found = reconstruct(
                network, samples.x, stolen.classes, self.config, rng, self.config.recipe.precision
            )
            exhibits = findings(found, self.config.index, self.config.outliers)
            order = ranking(found.norms)
            first = order[0] if number == 0 else first
            log.append({"most_likely": order[0], "least_likely": order[-1]})
            if reinforces(order, first):
                log[-1]["stopped"] = True
                break
            network = self._round(network, samples, found, order, where, dead, fit)
            log[-1]["reset"] = {site.name: int(units.sum()) for site, units in zip(where, dead, strict=True)}
        return Suspect(network, exhibits | {"rounds": json.dumps(log)})

    def _sites(self, network: nn.Module, shape: tuple[int, int, int]) -> list[Site]:
        return laundered_sites(sites(network, shape), self.config.layers)

    def _round(
        self, network: nn.Module, samples: Samples, found: Reconstruction, order: Sequence[int],
        where: Sequence[Site], dead: list[Tensor], fit: Fit,
    ) -> nn.Module:  # fmt: skip
        """Reset and retrain; units that went are added to `dead`."""
        x = samples.x.to(found.masks.device)
        count = len(order) if self.config.triggers == "all" else self.config.triggers
        stamped = [found.stamp(x, target) for target in order[:count]]
        gone = launder(network, x, torch.cat(stamped), where, self.config)
        dead[:] = [old | new.cpu() for old, new in zip(dead, gone, strict=True)]
        whole = Samples(x, samples.labels.to(x.device))
        repeats = self.config.mask_repeats
        repeats = balanced(len(x), len(order)) if repeats is None else repeats
        training = retraining_set(whole, stamped, found.pictures, order[-1], repeats)
        self._renew(network)
        return fit(network, training, self.config.recipe, callbacks=self._holders(where, dead))

    def _renew(self, network: nn.Module) -> None:
        """Forget BatchNorm's statistics where the configuration says so."""
        layers = sum(isinstance(module, (nn.Conv2d, nn.Linear)) for module in network.modules())
        choice = self.config.reset_statistics
        if choice == "always" or (choice == "auto" and layers >= DEEP):
            renew_statistics(network)

    def _holders(self, where: Sequence[Site], dead: Sequence[Tensor]) -> list[Callback]:
        """The callback that keeps units dead, unless they may come back."""
        if not self.config.hold:
            return []
        from ownmark_laundering.holding import Hold

        return [Hold(list(zip(where, dead, strict=True)), self.config.fill)]
