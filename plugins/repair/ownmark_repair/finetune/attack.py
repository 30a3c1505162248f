"""Fine-tuning, as strong as in the APP paper, and the quartet of Uchida and the SoK.

Idea: training on drives the weights away from where the mark was put, and nothing defends it there.
Threat model: the thief holds the weights and images, with true labels or labelled by the stolen network.
Functions: `last_layer` finds the classifier, `frozen_norms` trains a last layer alone, `Finetune` does the rest.
Symbols: images [N, C, H, W] in [0, 1], labels [N].
Deviations: see the declaration in `__init__` and the method card.
Reported: of fresh triggers are left, CIFAR-10: Content 56.78 %, Noise 28.38 %, Unrelated 18.82 % (APP paper, Table 1).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ownmark.contracts import Attack, Batch, Fit, Stolen, Suspect, cross_entropy, seeded
from ownmark.errors import NotApplicable
from ownmark_repair.finetune.config import FinetuneConfig
from ownmark_repair.labels import labelled


def last_layer(network: nn.Module, classes: int) -> str:
    """Name of the last linear or 2-D convolution layer with one output a class.

    Raises:
        NotApplicable: there is none.
    """
    found = ""
    for name, module in network.named_modules():
        width = module.weight.shape[0] if isinstance(module, (nn.Linear, nn.Conv2d)) else 0
        found = name if width == classes else found
    if not found:
        raise NotApplicable(
            f"no linear or convolution layer with {classes} outputs to take for the last layer"
        )
    return found


def frozen_norms(network: nn.Module, batch: Batch, step: int) -> Tensor:
    """Cross entropy with BatchNorm in eval mode, so that an untrained trunk keeps its running statistics."""
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.eval()
    return cross_entropy(network, batch, step)


class Finetune(Attack):
    """Trains a copy of the stolen network on."""

    config: FinetuneConfig

    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        """There must be a last layer where one is asked for."""
        if self.config.layers == "last" or self.config.reinit_last:
            last_layer(network, classes)

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Label the images, renew the last layer if asked to, and train."""
        samples = labelled(stolen, self.config.labels)
        network = stolen.copy()
        if self.config.reinit_last:
            with seeded(rng):
                network.get_submodule(last_layer(network, stolen.classes)).reset_parameters()  # type: ignore[operator]
        if self.config.layers == "all":
            return Suspect(fit(network, samples, self.config.recipe, terms=(cross_entropy,)))
        prefix = last_layer(network, stolen.classes) + "."
        terms = (frozen_norms,)
        return Suspect(
            fit(network, samples, self.config.recipe, terms=terms, trains=lambda n: n.startswith(prefix))
        )
