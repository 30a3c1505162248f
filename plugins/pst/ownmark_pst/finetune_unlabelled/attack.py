"""Fine-tuning on unlabelled images (FT-In, FT-Out of the PST paper; Shafieinejad et al.'s black-box attack).

Idea: train on with labels of the stolen network's own, so that nothing rehearses the triggers.
Threat model: the thief holds the weights and images, in-distribution or not; labels, if granted, stay unread.
Functions: `unlabelled` chooses the images, `FinetuneUnlabelled` labels them once and trains.
Symbols: images [N, C, H, W] in [0, 1].
Deviations: see the declaration in `__init__` and the method card.
Reported: nothing is removed, CIFAR-10, accuracy / triggers: .93 / 1.00, .92 / 1.00, .92 / 1.00, .93 / .97 (Table 1).
"""

from __future__ import annotations

import torch

from ownmark.contracts import Attack, Fit, Samples, Stolen, Suspect, predictions
from ownmark.errors import NotApplicable
from ownmark_pst.finetune_unlabelled.config import FinetuneUnlabelledConfig


def unlabelled(stolen: Stolen) -> Samples:
    """The in-distribution images without their labels if granted, else the transfer set.

    Raises:
        NotApplicable: the plan grants no images at all.
    """
    samples = stolen.data if stolen.data is not None else stolen.transfer
    if samples is None:
        raise NotApplicable("this attack needs images, and the plan's attacker is granted none")
    return samples.unlabelled()


class FinetuneUnlabelled(Attack):
    """Trains a copy of the stolen network on with its own labels."""

    config: FinetuneUnlabelledConfig

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Label once, with the network as it was stolen, and train."""
        x = unlabelled(stolen).x
        samples = Samples(x, predictions(stolen.network, x).to(x.device))
        return Suspect(fit(stolen.copy(), samples, self.config.recipe))
