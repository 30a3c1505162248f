"""The objective `soft`: answers in place of labels. Not in the paper.

The paper's data-free objective trains on pictures of one class, which bends all others. Here pictures of every class
are held to the stolen network's own softened answers, and a mark with one target is forgotten in one of three ways.
`patterns`: a few small patterns that lead pictures of all other classes to the target are sought, as an overlaid mark
would, and pictures that carry them keep the answer they had without. `blends`: the same with shares of the target's own
pictures. `uniform`: the target's watermark-like pictures are pushed to the uniform answer. A mark without one target is
forgotten by the labels of Equation 7, beside images of the task alone: normal-like pictures would keep it. Beside a
transfer set those labels spoil the network, so blends are taken there.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import Batch, Samples, Term, outputs
from ownmark_mira.detection import Finding
from ownmark_mira.inversion import ORDER, descend, fixed

STEPS, RATE = 150, 0.1
"""Steps of Adam on patterns, and the rate that they begin with."""
SHOWN = 32
"""Images that each pattern is added to in a step."""
START = 0.5
"""Deviation of the start, before the tanh that bounds a pattern."""


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


def labelled(samples: Samples, classes: int) -> Samples:
    """Images with their labels [N] as certain answers [N, classes]."""
    return Samples(samples.x, F.one_hot(samples.labels, classes).float())


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


def patterns(
    network: nn.Module, images: Tensor, target: int, count: int, price: float, rng: torch.Generator
) -> Tensor:
    """Small patterns that lead images of other classes to the target when they are added, each from its own start.

    Args:
        images: [N, channels, H, W] in [0, 1], none of the target. price: of a pattern's mean size, beside the mean
            cross entropy of the images that carry it.
    Returns: [count, channels, H, W] in [-1, 1].
    """
    shape = images.shape[1:]
    start = START * torch.randn((count, *shape), generator=rng, device=rng.device).to(images)
    draws = torch.randint(len(images), (STEPS, count, SHOWN), generator=rng, device=rng.device).to(
        images.device
    )
    wanted = torch.full((count * SHOWN,), target, device=images.device)

    def loss(z: Tensor, step: int) -> Tensor:
        added = torch.tanh(z)
        carried = (images[draws[step]] + added[:, None]).clamp(0, 1).flatten(0, 1)
        entropy = F.cross_entropy(network(carried.to(memory_format=ORDER)).float(), wanted)
        return count * entropy + price * added.abs().flatten(1).mean(1).sum()

    with fixed(network):
        return torch.tanh(descend(start, loss, STEPS, RATE))


def carrying(
    network: nn.Module, images: Tensor, found: Tensor, temperature: float, rng: torch.Generator
) -> Samples:
    """Every image twice, each time with half to all of one of the patterns, and the answers to it without.

    Args:
        images: [N, channels, H, W]. found: [K, channels, H, W]. Returns: [2 N].
    """
    twice = torch.cat([images, images])
    chosen = torch.randint(len(found), (len(twice),), generator=rng, device=rng.device).to(images.device)
    share = (1 + torch.rand((len(twice), 1, 1, 1), generator=rng, device=rng.device).to(images)) / 2
    told = answers(network, images, temperature)
    return Samples((twice + share * found[chosen]).clamp(0, 1), torch.cat([told.labels, told.labels]))


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
