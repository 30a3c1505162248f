"""MIRA: Lu et al., "MIRA: Cracking Black-box Watermarking on Deep Neural Networks via Model Inversion-based Removal
Attacks", arXiv:2309.03466.

Idea: whatever mark a network carries, it has memorised samples for it, and inverting the network class by class brings
up pictures close to them. Unlearn those pictures, and keep the task with a few images.
Threat model: the thief holds the weights; 1000 labelled images, or 2000 of another dataset which the stolen network
labels; no key, no scheme. Without any image: `mira_data_free`.
Equations: 1 to 3 `inversion.class_wise_loss`; 4 `unlearning.towards_uniform`; 5 `detection.smooth_accuracy`; 6 and 7
`unlearning.improved_set`; Algorithm 1 `splitting.watermark_order`.
Symbols: recovered pictures B_c are images [C, M, channels, H, W] in [0, 1]; s_0, s_1, ... is `Finding.order` [C].
Deviations: see the declaration in `__init__` and the method card.
Reported: CIFAR-10, improved, 1000 labelled images: accuracy 86.0 to 93.3 %, rescaled watermark accuracy 5.7 to
49.3 % (Table 4).
"""

from __future__ import annotations

import torch
from torch import nn

from ownmark.contracts import Attack, Fit, Stolen, Suspect
from ownmark.contracts.views import device_of
from ownmark_mira.inversion import invert
from ownmark_mira.mira.config import MiraConfig
from ownmark_mira.pipeline import check_host, check_units, forget, start_noise


class Mira(Attack):
    """Recovers, then unlearns beside images."""

    config: MiraConfig

    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        """There must be two classes and features to split by."""
        check_host(network, shape, classes, self.config.layer)
        check_units(self.config.mean, self.config.std, shape)

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Invert every class, look at the pictures, and train a copy."""
        config, images = self.config, stolen.images()
        start = start_noise((stolen.classes, config.samples, *stolen.shape), rng, device_of(stolen.network))
        recovered = invert(stolen.network, start, config, config.recipe.precision)
        return forget(stolen, recovered, images, config, fit, rng)
