"""What a network is trained on to forget recovered pictures, and the loss terms and transforms that do it.

Source: MIRA paper, Equations 4, 6 and 7.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ownmark.contracts import Batch, Samples, Term, Transform, cross_entropy
from ownmark_mira.detection import Finding


def other_labels(label: int, count: int, classes: int, rng: torch.Generator) -> Tensor:
    """`count` uniform draws from the classes that are not `label` (rand_{s_0} of Equation 6). Returns: int64 [count].

    Args:
        classes: at least 2.
    """
    shift = torch.randint(classes - 1, (count,), generator=rng, device=rng.device)
    return (label + 1 + shift) % classes


def fixed_target_set(watermark: Tensor, normal: Tensor, target: int, other: Tensor) -> Samples:
    """Equation 6: watermark-like pictures of the target class with labels `other`, normal ones with their own.

    Args:
        watermark: [m, channels, H, W]. normal: [n, channels, H, W]. other: [m], drawn once.
    """
    own = torch.full((len(normal),), target, dtype=torch.int64, device=normal.device)
    return Samples(torch.cat([watermark, normal]), torch.cat([other.to(own), own]))


def free_target_set(watermark: Tensor, unlikely: tuple[int, int]) -> Samples:
    """Equation 7: watermark-like pictures with the least likely label, those of that class with the next.

    Args:
        watermark: [C, m, channels, H, W]. unlikely: s_{C-1}, s_{C-2}.
    """
    labels = torch.full(watermark.shape[:2], unlikely[0], dtype=torch.int64, device=watermark.device)
    labels[unlikely[0]] = unlikely[1]
    return Samples(watermark.flatten(0, 1), labels.flatten())


def improved_set(watermark: Tensor, normal: Tensor, finding: Finding, rng: torch.Generator) -> Samples:
    """Recovered pictures with the labels of Equation 6 if the target is fixed, else of Equation 7.

    Args:
        watermark: [C, m, channels, H, W]. normal: [C, n, channels, H, W].
    """
    if not finding.fixed:
        return free_target_set(watermark, finding.unlikely)
    target = finding.target
    other = other_labels(target, watermark.shape[1], len(watermark), rng)
    return fixed_target_set(watermark[target], normal[target], target, other)


def unlabelled_set(images: Tensor) -> Samples:
    """Equation 4: every picture; the labels are its class, which `towards_uniform` does not look at."""
    classes, count = images.shape[:2]
    labels = torch.arange(classes, device=images.device).repeat_interleave(count)
    return Samples(images.flatten(0, 1), labels)


def appending(recovered: Samples) -> Transform:
    """A batch transform that appends as many recovered pictures as the batch has rows.

    They come in shuffled rounds, each picture once a round.
    """
    waiting = torch.zeros(0, dtype=torch.int64)

    def append(batch: Batch, rng: torch.Generator) -> Batch:
        nonlocal waiting
        wanted = len(batch.x)
        while len(waiting) < wanted:
            fresh = torch.randperm(len(recovered), generator=rng, device=rng.device)
            waiting = torch.cat([waiting.to(fresh.device), fresh])
        chosen, waiting = waiting[:wanted], waiting[wanted:]
        return batch.append(recovered.select(chosen))

    return append


def towards_uniform(alpha: float) -> Term:
    """Equation 4: cross entropy of the batch's own rows, and `alpha` times the divergence of the appended ones.

    The divergence is KL(uniform || answer), averaged over rows *and* classes as the authors' code does; `alpha` = 15
    weighs a row 15 / C.
    """

    def term(network: nn.Module, batch: Batch, step: int) -> Tensor:
        own = batch.index >= 0
        logits = batch.output(network).float()
        answers = logits[~own].log_softmax(1)
        share = 1 / answers.shape[1]
        divergence = (share * (math.log(share) - answers)).mean()
        return F.cross_entropy(logits[own], batch.labels[own]) + alpha * divergence

    return term


def with_frozen_norms(term: Term = cross_entropy) -> Term:
    """`term` with BatchNorm in eval mode, so that recovered pictures leave its running statistics alone."""

    def frozen(network: nn.Module, batch: Batch, step: int) -> Tensor:
        for module in network.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
        return term(network, batch, step)

    return frozen
