"""PST with fine-tuning (Proposed-In, Proposed-Out of the PST paper).

Idea: a network that has been trained on warped images, as the stolen network itself labels them, classifies warped
queries nearly as well as it did clean ones, and forgets triggers that never come up.
Threat model: the thief holds the weights and images, in-distribution or not; labels, if granted, stay unread.
Functions: `labelled_by` makes Algorithm 1's pairs {g(x'), f(g(x'))} (lines 17 to 21) anew for every batch, with two
draws of g as in the paper: one for the label (line 19), one for the input (line 20).
Symbols: images [N, C, H, W] in [0, 1]; f the stolen network, frozen; g the transform, drawn afresh each epoch.
Deviations: see the declaration in `__init__` and the method card.
Reported: CIFAR-10, in-distribution, accuracy / triggers: Perturbation .90 / .44, Patch .89 / .13, Content .89 / .17,
OOD .90 / .11 (Table 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from ownmark.contracts import Batch, Fit, Stolen, Suspect, Transform, predictions
from ownmark_pst.finetune_unlabelled.attack import unlabelled
from ownmark_pst.front import Change, before_and_after
from ownmark_pst.pst.attack import PST
from ownmark_pst.pst_finetune.config import PSTFinetuneConfig

SHOWN = 8
"""Images of the attacker's in the report's picture."""


def labelled_by(oracle: nn.Module, change: Change, on: str = "transformed") -> Transform:
    """Batch transform: images x become pairs (g(x), argmax oracle(view of x)).

    Args:
        on: the view: `"transformed"`, g(x) drawn anew; `"same"`, the g(x) of the pair; `"clean"`, x.
    """
    views: dict[str, Callable[[Tensor, Tensor, torch.Generator], Tensor]] = {
        "transformed": lambda x, seen, rng: change(x, rng),
        "same": lambda x, seen, rng: seen,
        "clean": lambda x, seen, rng: x,
    }
    view = views[on]

    def transform(batch: Batch, rng: torch.Generator) -> Batch:
        seen = change(batch.x, rng)
        y = predictions(oracle, view(batch.x, seen, rng))
        return replace(batch.with_images(seen), y=y.to(seen.device))

    return transform


class PSTFinetune(PST):
    """Trains a copy of the stolen network on warped images, and serves it behind the warp."""

    config: PSTFinetuneConfig

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Fine-tune; the picture shows images of the attacker's and their transforms."""
        samples = unlabelled(stolen)
        pairs = labelled_by(stolen.network, self.change, self.config.label_on)
        network = fit(stolen.copy(), samples, self.config.recipe, transforms=(pairs,))
        if stolen.shape[0] not in (1, 3):
            return Suspect(network)
        return Suspect(network, {"transform": before_and_after(samples.first(SHOWN).x, self.change, rng)})
