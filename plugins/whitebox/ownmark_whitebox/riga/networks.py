"""What extractor and detector look at, and what they are.

Symbols: M values of the carrier, R references, T bits, b [T] message, w [M], references [R, M].
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2
"""Of the leaky ReLUs."""


def carrier(weight: Tensor) -> Tensor:
    """Mean filter of a convolution, [out, in, kh, kw] -> [in * kh * kw]; a linear layer whole, flattened."""
    weight = weight.float()
    return weight.mean(0).flatten() if weight.ndim == 4 else weight.flatten()


def perceptron(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Dense, leaky ReLU, dense: the shape of both side networks."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.LeakyReLU(SLOPE), nn.Linear(hidden, outputs))


def respond(extractor: Mapping[str, Tensor], w: Tensor) -> Tensor:
    """Logits of the extractor, positive for a 1: [..., M] -> [..., T].

    Args:
        extractor: `0.weight` [H, M], `0.bias` [H], `2.weight` [T, H], `2.bias` [T].
    """
    hidden = F.leaky_relu(F.linear(w, extractor["0.weight"], extractor["0.bias"]), SLOPE)
    return F.linear(hidden, extractor["2.weight"], extractor["2.bias"])


def descending(w: Tensor) -> Tensor:
    """What the detector sees: values sorted, so that it cannot learn positions. [..., M] -> [..., M]."""
    return w.sort(-1, descending=True).values


def extractor_loss(
    extractor: nn.Module, w: Tensor, references: Tensor, bits: Tensor, coins: Tensor
) -> Tensor:
    """Cross entropy of the message from the marked weights and coins from the references, a mean over all rows.

    Without the references an extractor may answer the message to everything; nearly so if the marked row weighs as
    much as all references together (3 to 16 % of the bits wrong on unmarked networks, digits).

    Args:
        w: [M]. references: [B, M]. bits: [T]. coins: [B, T] of 0 and 1.
    """
    rows, answers = torch.cat([w[None], references]), torch.cat([bits[None], coins])
    return F.binary_cross_entropy_with_logits(extractor(rows), answers)


def detector_loss(detector: nn.Module, w: Tensor, references: Tensor) -> Tensor:
    """Wasserstein: low scores for references, high ones for the marked weights. [M], [B, M] -> scalar."""
    apart: Tensor = detector(descending(references)).mean() - detector(descending(w)).mean()
    return apart


def marking_loss(
    extractor: nn.Module, detector: nn.Module, w: Tensor, bits: Tensor, strength: float, hiding: float
) -> Tensor:
    """What the marked network minimises: the message's cross entropy, summed, and the detector's score."""
    told = F.binary_cross_entropy_with_logits(extractor(w), bits, reduction="sum")
    suspicious: Tensor = detector(descending(w)).mean()
    return strength * told + hiding * suspicious


def spread(references: Tensor) -> float:
    """Standard deviation of all references' values, so that both networks see numbers of size one."""
    return max(float(torch.std(references)), 1e-12)
