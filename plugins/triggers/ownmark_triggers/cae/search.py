"""The search for conferrable adversarial examples: Adam on pixels, with networks that stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ownmark_triggers.cae.config import CaeConfig
from ownmark_triggers.networks import settled

_TINY = 1e-12


@dataclass(frozen=True)
class Ensembles:
    """The owner's network, surrogates copied from it, and references trained without it."""

    source: nn.Module
    surrogates: Sequence[nn.Module]
    references: Sequence[nn.Module]


def mean_softmax(networks: Sequence[nn.Module], x: Tensor) -> Tensor:
    """Surr(x) or Ref(x): [N, C]."""
    return torch.stack([network(x).float().softmax(1) for network in networks]).mean(0)


def some_of(networks: Sequence[nn.Module], kept: float, rng: torch.Generator) -> list[nn.Module]:
    """Ensemble dropout: each network with probability `kept`; never none."""
    while True:
        drawn = torch.rand(len(networks), generator=rng, device=rng.device) < kept
        if bool(drawn.any()):
            return [network for network, stays in zip(networks, drawn.tolist(), strict=True) if stays]


def conferrability(surrogates: Tensor, references: Tensor) -> Tensor:
    """Surr(x)_t (1 - Ref(x)_t) for every class t: [N, C]."""
    return surrogates * (1 - references)


def cross_entropy_of(target: Tensor, found: Tensor) -> Tensor:
    """H(p, q) = -sum p log q of distributions [N, C]: [N]."""
    return -(target * found.clamp(min=_TINY).log()).sum(1)


def search_loss(
    before: Tensor, source: Tensor, surrogates: Tensor, references: Tensor, config: CaeConfig
) -> Tensor:
    """a H(1, max_t Ens_t) - b H(M(x), M(x')) + c H(M(x'), Surr(x')), to be minimised: [N].

    Args:
        before, source: the owner's network on x and on x'. surrogates, references: the ensembles on x'. All [N, C].
    """
    best = conferrability(surrogates, references).amax(1)
    return (
        -config.conferrable * best.clamp(min=_TINY).log()
        - config.away * cross_entropy_of(before, source)
        + config.agreeing * cross_entropy_of(source, surrogates)
    )


def searched(models: Ensembles, x: Tensor, eps: float, config: CaeConfig, rng: torch.Generator) -> Tensor:
    """Images [N, C, H, W] at most `eps` away from x and in [0, 1], after `config.steps` steps."""
    low, high = (x - eps).clamp(0, 1), (x + eps).clamp(0, 1)
    found = x.clone().requires_grad_()
    optimiser = torch.optim.Adam([found], lr=eps / 10 if config.lr is None else config.lr)
    with torch.no_grad():
        before = models.source(x).float().softmax(1)
    for _ in range(config.steps):
        surrogates = mean_softmax(some_of(models.surrogates, config.kept, rng), found)
        references = mean_softmax(some_of(models.references, config.kept, rng), found)
        source = models.source(found).float().softmax(1)
        loss = search_loss(before, source, surrogates, references, config).sum()
        (found.grad,) = torch.autograd.grad(loss, found)
        optimiser.step()
        with torch.no_grad():
            found.copy_(torch.minimum(torch.maximum(found, low), high))
    return found.detach()


@torch.no_grad()
def quality(models: Ensembles, x: Tensor) -> tuple[Tensor, Tensor]:
    """What the owner's network calls images [N, C, H, W]: [N]; and how conferrable that label is: [N]."""
    labels: Tensor = models.source(x).argmax(1)
    scores = conferrability(mean_softmax(models.surrogates, x), mean_softmax(models.references, x))
    return labels, scores.gather(1, labels[:, None])[:, 0]


def fingerprints(
    models: Ensembles, x: Tensor, y: Tensor, eps: float, config: CaeConfig, rng: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Conferrable adversarial images, the most conferrable first, their labels and scores; `config.keys` at most.

    An image is kept if the owner's network no longer calls it y [N] and the score is at least `config.least`.
    """
    networks = [models.source, *models.surrogates, *models.references]
    with ExitStack() as modes:
        for network in networks:
            modes.enter_context(settled(network))
        found = searched(models, x, eps, config, rng)
        labels, scores = quality(models, found)
    good = ((labels != y) & (scores >= config.least)).nonzero().flatten()
    chosen = good[scores[good].sort(descending=True, stable=True).indices[: config.keys]]
    return found[chosen], labels[chosen], scores[chosen]
