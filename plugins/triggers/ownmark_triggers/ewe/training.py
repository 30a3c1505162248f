"""Batches of triggers between clean ones, and the loss of both."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ownmark.contracts import Batch, Term
from ownmark_triggers.ewe.snnl import total_snnl
from ownmark_triggers.networks import inputs_of, settled


def is_marking(batch: Batch) -> bool:
    """Whether a batch is one of triggers: none of its rows is the owner's data."""
    return bool((batch.index == -1).all())


class Alternation:
    """A batch transform: after every `ratio` clean batches, one half of triggers, half of genuine target images.

    Of one training; it counts batches.

    Args:
        triggers, genuine: [N, C, H, W]. target: the label of both.
    """

    def __init__(self, triggers: Tensor, genuine: Tensor, target: int, ratio: float) -> None:
        self._parts = (triggers, genuine)
        self._target = target
        self._ratio = ratio
        self._due = 0.0

    def __call__(self, batch: Batch, rng: torch.Generator) -> Batch:
        """The batch itself, or one of triggers in its place."""
        if self._due < 1 - 1e-9:
            self._due += 1 / self._ratio
            return batch
        self._due -= 1
        half = max(2, len(batch.x) // 2)
        x = torch.cat([_some(part, half, rng) for part in self._parts]).to(batch.x)
        y = torch.full((len(x),), self._target, dtype=torch.int64, device=x.device)
        return Batch(x, y, torch.full_like(y, -1))


def _some(images: Tensor, count: int, rng: torch.Generator) -> Tensor:
    """`count` images in random order, each as often as any other give or take one."""
    turns = -(-count // len(images))
    order = [torch.randperm(len(images), generator=rng, device=rng.device) for _ in range(turns)]
    return images[torch.cat(order)[:count].to(images.device)]


class EntanglingLoss:
    """A loss term: summed task loss, and on trigger batches minus k times the soft nearest neighbour loss.

    The temperature descends on SNNL after each trigger batch while the weights ascend. All batches are seen in eval
    mode: BatchNorm keeps the trained host's statistics. Were only trigger batches seen so, the weights would learn
    to tell the two modes apart instead of the images (digits: 12 % clean accuracy).

    Args:
        terms: the host's own. layers: modules whose inputs are entangled. strength: k. t: at the start.
        rate: of the temperature.
    """

    def __init__(
        self, terms: Sequence[Term], layers: Sequence[str], strength: float, t: float, rate: float
    ) -> None:
        self._terms = tuple(terms)
        self._layers = tuple(layers)
        self._strength = strength
        self._rate = rate
        self.t = torch.full((len(self._layers),), t)

    def __call__(self, network: nn.Module, batch: Batch, step: int) -> Tensor:
        """See `contracts.Term`."""
        with settled(network), inputs_of(network, self._layers) as seen:
            task = self._task(network, batch, step)
        if not is_marking(batch):
            return task
        return task - self._strength * self._entanglement(seen, batch)

    def _task(self, network: nn.Module, batch: Batch, step: int) -> Tensor:
        return len(batch.x) * torch.stack([term(network, batch, step) for term in self._terms]).sum()

    def _entanglement(self, seen: Sequence[Tensor], batch: Batch) -> Tensor:
        group = torch.arange(len(batch.x), device=batch.x.device) < len(batch.x) // 2
        t = self.t.to(batch.x.device).requires_grad_()
        loss = total_snnl(seen, group, t)
        (slope,) = torch.autograd.grad(loss, t, retain_graph=True)
        self.t = (t - self._rate * slope).detach()
        return loss
