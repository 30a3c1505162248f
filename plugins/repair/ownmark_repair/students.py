"""Networks that learn from a stolen one without its weights: where they come from, and what they learn."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import Batch, Host, Recipe, Term, seeded
from ownmark.contracts.loading import load_weights
from ownmark.contracts.views import Shape

EXTRACTION = Recipe(
    epochs=60, batch_size=64, lr=0.1, nesterov=True, schedule="steps", milestones=(1 / 3, 7 / 12, 5 / 6), factor=0.2,
    augment="crop-flip",
)  # fmt: skip
"""The SoK's training of extracted networks: Nesterov .1 times .2 at epochs 20, 35, 50 of 60; augmented."""


def renewed(network: nn.Module, rng: torch.Generator) -> nn.Module:
    """A copy with newly drawn parameters and statistics, layer by layer."""
    fresh = copy.deepcopy(network)
    with seeded(rng):
        for module in fresh.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
    return fresh


def built(host: Host, shape: Shape, classes: int, rng: torch.Generator) -> nn.Module:
    """A newly initialised network of that host."""
    with seeded(rng):
        return host.build(shape, classes)


def restored(host: Host, state: Mapping[str, Tensor], shape: Shape, classes: int) -> nn.Module:
    """A network of that host with a state that was stored."""
    return load_weights(built(host, shape, classes, torch.Generator().manual_seed(0)), state)


def imitating(answers: Callable[[Batch], Tensor], temperature: float) -> Term:
    """Loss term: T^2 KL(softmax(answers / T) || softmax(student / T)), the mean over the batch.

    Args:
        answers: logits [B, classes] that a batch is to get.
    """

    def term(network: nn.Module, batch: Batch, step: int) -> Tensor:
        wanted = (answers(batch).float() / temperature).log_softmax(1)
        given = (batch.output(network).float() / temperature).log_softmax(1)
        return temperature**2 * F.kl_div(given, wanted, reduction="batchmean", log_target=True)

    return term
