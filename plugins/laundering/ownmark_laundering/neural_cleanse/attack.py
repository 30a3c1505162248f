"""Neural Cleanse (Wang et al., S&P 2019; full title in `papers.CLEANSE`).

Idea: a class with a hidden trigger can be reached from any image by a small change. Look for the smallest change to
every class; classes that need far less than the others are marked, and are trained to ignore what was found.
Threat model: the thief holds the weights and clean images, with true labels or labelled by the stolen network.
Equations: A(x, m, D) = (1 - m) x + m D, min CE(f(A(x)), t) + lambda |m| is `cleanse.reconstruct`; the adaptive lambda
is `price.advance`; the outlier test is `outliers.flagged`; unlearning is `stamping` in training.
Symbols: m [K, 1, H, W], D [K, C, H, W], x [N, C, H, W] in [0, 1]; K classes.
Deviations: see the declaration in `__init__` and the method card.
Reported: nothing on watermarks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ownmark.contracts import Attack, Batch, Fit, Stolen, Suspect, Transform
from ownmark.errors import NotApplicable
from ownmark_laundering.cleanse import Reconstruction, blend, reconstruct
from ownmark_laundering.findings import findings
from ownmark_laundering.images import labelled
from ownmark_laundering.neural_cleanse.config import NeuralCleanseConfig
from ownmark_laundering.outliers import flagged

LEAST_CLASSES = 3
"""Of two norms each is equally far from their median, so neither is an outlier."""


def stamping(found: Reconstruction, targets: Sequence[int], share: float) -> Transform:
    """A batch transform that stamps `share` of the images with triggers of `targets`, drawn for each image."""
    wanted = torch.tensor(targets)

    def stamp(batch: Batch, rng: torch.Generator) -> Batch:
        count = len(batch.x)
        chosen = torch.randint(len(wanted), (count,), generator=rng, device=rng.device)
        target = wanted.to(rng.device)[chosen].to(found.masks.device)
        drawn = torch.rand(count, generator=rng, device=rng.device) < share
        mask = found.masks[target].to(batch.x) * drawn.to(batch.x)[:, None, None, None]
        return batch.with_images(blend(batch.x, mask, found.patterns[target].to(batch.x)))

    return stamp


class NeuralCleanse(Attack):
    """Reconstructs a trigger of every class, and unlearns those of outlying classes."""

    config: NeuralCleanseConfig

    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        """There must be enough classes for an outlier, and weights to unlearn with."""
        if classes < LEAST_CLASSES:
            raise NotApplicable(
                f"neural_cleanse looks for an outlier among the classes, and {classes} cannot have one; "
                f"it needs {LEAST_CLASSES} at least (`laundering` needs two)"
            )
        if not any(True for _ in network.parameters()):
            raise NotApplicable("the network has no parameters that could unlearn a trigger")

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Reconstruct, test, and unlearn; a network with no flagged class comes back as it was."""
        samples = labelled(stolen, self.config.labels)
        network = stolen.copy()
        found = reconstruct(
            network, samples.x, stolen.classes, self.config, rng, self.config.recipe.precision
        )
        targets = flagged(found.norms, self.config.index, self.config.outliers)
        exhibits: dict[str, Tensor | float | str] = findings(found, self.config.index, self.config.outliers)
        if targets:
            stamp = stamping(found, targets, self.config.share)
            network = fit(network, samples, self.config.recipe, transforms=(stamp,))
        return Suspect(network, exhibits)
