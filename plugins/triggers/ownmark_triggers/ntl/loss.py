"""The loss of non-transferable learning."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import Batch, Term
from ownmark_triggers.networks import inputs_of

KERNELS, MULTIPLIER = 5, 2.0


def mmd(one: Tensor, other: Tensor) -> Tensor:
    """Squared maximum mean discrepancy with five Gaussian kernels, biased estimate: scalar.

    exp(-|a - b|^2 / h_i), h_i = h 2^(i - 2), h the mean squared distance of different points of both sets together,
    through which no gradient flows.

    Args:
        one, other: features [N, D], [M, D].
    """
    points = torch.cat([one, other])
    squares = points.square().sum(1)
    distance = (squares[:, None] + squares[None, :] - 2 * points @ points.T).clamp(min=0)
    pairs = len(points) * (len(points) - 1)
    width = (distance.detach().sum() / pairs).clamp(min=1e-12) / MULTIPLIER ** (KERNELS // 2)
    kernel = torch.stack([torch.exp(-distance / (width * MULTIPLIER**i)) for i in range(KERNELS)]).sum(0)
    n = len(one)
    return kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()


def ownership_loss(
    task: Tensor, patched: Tensor, distance: Tensor, classes: int, alpha: float, beta: float
) -> Tensor:
    """C (L1 - min(1, alpha L2) min(1, beta MMD)) with C classes: scalar.

    L is the authors' KLDivLoss of one-hot labels, whose mean over classes too makes it the cross entropy over C;
    the factor C gives the task's term its usual size back.

    Args:
        task: C L1, what the host minimises on the clean images. patched: cross entropy of each patched image [B].
    """
    l2 = patched.mean() / classes
    return task - classes * (alpha * l2).clamp(max=1) * (beta * distance).clamp(max=1)


class Answered(Batch):
    """Rows of a batch whose outputs are known."""

    def __init__(self, batch: Batch, rows: slice, logits: Tensor) -> None:
        super().__init__(batch.x[rows], batch.labels[rows], batch.index[rows])
        self._logits = logits[rows]

    def output(self, network: nn.Module) -> Tensor:
        """What the network has said of these rows."""
        return self._logits


def ownership_term(terms: Sequence[Term], layer: str, alpha: float, beta: float) -> Term:
    """The loss on batches of `patterns.two_streams`: clean rows first, then the same patched.

    Args:
        terms: the host's own, for the clean rows.
    """

    def term(network: nn.Module, batch: Batch, step: int) -> Tensor:
        with inputs_of(network, [layer]) as seen:
            logits = batch.output(network)
        half = len(logits) // 2
        clean = Answered(batch, slice(half), logits)
        task = torch.stack([one(network, clean, step) for one in terms]).sum()
        patched = F.cross_entropy(logits[half:].float(), batch.labels[half:], reduction="none")
        distance = mmd(*seen[0].float().flatten(1).chunk(2))
        return ownership_loss(task, patched, distance, logits.shape[1], alpha, beta)

    return term
