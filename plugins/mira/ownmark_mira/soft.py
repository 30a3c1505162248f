"""The objective `soft`: answers in place of labels. Not in the paper.

The paper's data-free objective trains on pictures of one class, which bends all others. Here pictures of every class
are held to the stolen network's own softened answers, and the mark is forgotten in one of two ways: watermark-like
pictures of the target are pushed to the uniform answer, or they are blended into pictures of other classes, which keep
the answer to what they were blended into. In a blend the mark loses to what else is seen; the target class is kept.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import Batch, Samples, Term, outputs
from ownmark_mira.detection import Finding


def soft_sets(
    watermark: Tensor, normal: Tensor, finding: Finding, balance: bool = False
) -> tuple[Tensor, Tensor]:
    """Pictures to keep and pictures to forget.

    With one target its watermark-like ones are forgotten, and all pictures of the other classes kept; else those of
    every class are forgotten.

    Args:
        watermark: [C, m, channels, H, W]. normal: [C, n, channels, H, W]. balance: repeat the target's normal pictures
            until they are as many as those of another class, as nearly as whole repeats allow.
    """
    if not finding.fixed:
        return normal.flatten(0, 1), watermark.flatten(0, 1)
    kept, others = normal[finding.target], torch.arange(len(watermark)) != finding.target
    repeats = max(1, round((watermark.shape[1] + len(kept)) / len(kept))) if balance else 1
    rest = (watermark[others].flatten(0, 1), normal[others].flatten(0, 1))
    return torch.cat([*(kept for _ in range(repeats)), *rest]), watermark[finding.target]


def answers(network: nn.Module, x: Tensor, temperature: float) -> Samples:
    """Images with the network's softened answers [N, C] as labels."""
    return Samples(x, (outputs(network, x) / temperature).softmax(1).to(x.device))


def uniform(x: Tensor, classes: int) -> Samples:
    """Images with the uniform answer [N, classes] as labels."""
    return Samples(x, torch.full((len(x), classes), 1 / classes, device=x.device))


def blends(
    network: nn.Module,
    images: Tensor,
    finding: Finding,
    shares: tuple[float, float],
    temperature: float,
    rng: torch.Generator,
) -> Samples:
    """Pictures of each class with a share of a picture of the target in them, and the answers to them without it.

    Where no target is fixed the picture blended in is of any other class.

    Args:
        images: recovered pictures [C, M, channels, H, W]. shares: least and most of the picture blended in.
    Returns: [C M or (C - 1) M images], each picture once.
    """
    classes, count = images.shape[:2]
    label = torch.arange(classes).repeat_interleave(count)
    label = label[label != finding.target] if finding.fixed else label
    own = torch.arange(classes * count).reshape(classes, count)[label.unique()].flatten()
    draw = torch.rand((3, len(own)), generator=rng, device=rng.device).cpu()
    other = (label + 1 + (draw[0] * (classes - 1)).long()) % classes
    other = torch.full_like(other, finding.target) if finding.fixed else other
    source = other * count + (draw[1] * count).long()
    share = (shares[0] + (shares[1] - shares[0]) * draw[2]).to(images)[:, None, None, None]
    flat = images.flatten(0, 1)
    base = flat[own.to(flat.device)]
    told = answers(network, base, temperature)
    return Samples((1 - share) * base + share * flat[source.to(flat.device)], told.labels)


def towards_answers(temperature: float, weight: float) -> Term:
    """T^2 KL(label || softened answer) of the batch's own rows, and `weight` times that of the appended ones.

    Each is averaged over its rows (distillation of Hinton et al., 2015). Labels are probabilities [B, C].
    """

    def divergence(logits: Tensor, labels: Tensor) -> Tensor:
        return F.kl_div((logits / temperature).log_softmax(1), labels, reduction="batchmean") * temperature**2

    def term(network: nn.Module, batch: Batch, step: int) -> Tensor:
        own = batch.index >= 0
        logits = batch.output(network).float()
        kept = divergence(logits[own], batch.labels[own])
        return kept + weight * divergence(logits[~own], batch.labels[~own])

    return term
