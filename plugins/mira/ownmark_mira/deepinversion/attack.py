"""DeepInversion as a recoverer: Yin et al., "Dreaming to Distill", CVPR 2020; compared with MIRA in that paper's
section 6.4.2 and Table 8.

Idea: pictures of all classes share a batch, whose BatchNorm statistics are drawn to those of the training data in every
layer. They look like training data, so less of the mark is in them than in MIRA's.
Threat model: as `mira`.
Functions: `realistic_loss` (cross entropy, norms of statistics' gaps, total variation), `dream` for all batches.
Symbols: pictures x [B, channels, H, W] in units of (pixel - mean) / std, unbounded while they are sought.
Deviations: see the declaration in `__init__` and the method card.
Reported: CIFAR-10, accuracy / rescaled: Content 91.3 / 68.7, EWE 91.2 / 99.0, Adi 84.3 / 49.3 % (MIRA paper, Table 8).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ownmark.contracts import Attack, Fit, Stolen, Suspect
from ownmark.contracts.views import device_of
from ownmark_mira.batchnorm import norm_gap, remembering, watched
from ownmark_mira.deepinversion.config import DeepInversionConfig
from ownmark_mira.inversion import ORDER, descend, fixed
from ownmark_mira.pipeline import check_host, check_units, forget, start_noise
from ownmark_mira.priors import batch_variation, units

BETAS = (0.9, 0.999)


def realistic_loss(
    network: nn.Module, x: Tensor, labels: Tensor, norms: Sequence[_BatchNorm], config: DeepInversionConfig
) -> Tensor:
    """The loss of one batch, a scalar.

    Args:
        x: [B, channels, H, W] in units of `mean` and `std`. labels: [B].
    """
    mean, std = units(x, config.mean, config.std)
    with watched(norms, 1) as gaps:
        images = (x * std + mean).to(memory_format=ORDER)
        found: Tensor = F.cross_entropy(network(images).float(), labels)
    statistics = norm_gap(gaps, found[None]).sum()
    size = torch.linalg.vector_norm(x)
    loss: Tensor = (
        found + config.alpha_bn * statistics + config.alpha_tv * batch_variation(x) + config.alpha_l2 * size
    )
    return loss


def dream(network: nn.Module, start: Tensor, config: DeepInversionConfig, rng: torch.Generator) -> Tensor:
    """Pictures of every class, batch by batch, each batch with all classes.

    Args:
        start: [C, M, channels, H, W], N(0, 1), on the network's device. Returns: pixels in [0, 1] of the same shape.
    """
    classes = len(start)
    each = max(1, config.batch // classes)
    parts = []
    with fixed(network, config.recipe.precision):
        norms = remembering(network)
        for part in torch.split(start, each, dim=1):
            labels = torch.arange(classes, device=start.device).repeat_interleave(part.shape[1])
            draws = torch.randint(
                -config.jitter, config.jitter + 1, (config.iterations, 2), generator=rng, device=rng.device
            )
            rolls = draws.tolist()

            def loss(x: Tensor, step: int, labels: Tensor = labels, rolls: list[list[int]] = rolls) -> Tensor:
                rolled = x.flatten(0, 1).roll(rolls[step], dims=(2, 3))
                return realistic_loss(network, rolled, labels, norms, config)

            parts.append(descend(part, loss, config.iterations, config.rate, config.rate, BETAS))
    found = torch.cat(parts, 1)
    mean, std = units(found, config.mean, config.std)
    return (found * std + mean).clamp(0, 1)


class DeepInversion(Attack):
    """Recovers pictures of all classes at once, then unlearns beside images."""

    config: DeepInversionConfig

    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        """There must be two classes and features to split by."""
        check_host(network, shape, classes, self.config.layer)
        check_units(self.config.mean, self.config.std, shape)

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Dream, and train a copy as MIRA does."""
        config, images = self.config, stolen.images()
        start = start_noise((stolen.classes, config.samples, *stolen.shape), rng, device_of(stolen.network))
        recovered = dream(stolen.network, start, config, rng)
        return forget(stolen, recovered, images, config, fit, rng)
