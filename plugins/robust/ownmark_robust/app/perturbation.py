"""The worst neighbour of a network, and the loss it is trained with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import Batch, Samples, Transform
from ownmark_robust.app.config import AppConfig
from ownmark_robust.norms import statistics_of
from ownmark_robust.parameters import output_at, trained

Scope = Literal["tensor", "global"]


def _length(tensors: Sequence[Tensor]) -> Tensor:
    """l2 norm of several tensors as one vector."""
    return torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(t) for t in tensors]))


def perturbation(
    parameters: Mapping[str, Tensor], gradients: Mapping[str, Tensor], epsilon: float, scope: Scope
) -> dict[str, Tensor]:
    """delta = epsilon ||theta|| g / ||g|| (Eq. 5), for all tensors as one vector or for each alone.

    A gradient of zero moves nothing.
    """
    everything = list(parameters.values()), list(gradients.values())
    found = {}
    for name, gradient in gradients.items():
        thetas, slopes = everything if scope == "global" else ([parameters[name]], [gradient])
        length = _length([theta.detach() for theta in thetas])
        found[name] = epsilon * length * gradient / _length(slopes).clamp(min=1e-12)
    return found


class WorstNeighbour:
    """Loss term: alpha * L(theta + delta, triggers), delta the perturbation that raises this loss most (Eq. 4 and 6).

    Args:
        triggers: on the run's device. clean: number of clean rows in the training data, which come first.
        transforms: applied to triggers, if they are augmented.
        rng: on the CPU; draws the triggers of each step.
    """

    def __init__(
        self,
        triggers: Samples,
        clean: int,
        config: AppConfig,
        transforms: Sequence[Transform],
        rng: torch.Generator,
    ) -> None:
        self._triggers = triggers
        self._clean = clean
        self._config = config
        self._transforms = transforms
        self._rng = rng

    def __call__(self, network: nn.Module, batch: Batch, step: int) -> Tensor:
        """The term on one step; running statistics of BatchNorm do not see it."""
        config = self._config
        drawn = self._drawn(batch)
        first = len(drawn.x)
        x = drawn.x if config.norm == "triggers" else torch.cat([drawn.x, self._companions(batch)])
        everything = config.scope == "global"
        theta = trained(network, affine_too=everything)
        fixed = {} if everything else {n: p.detach() for n, p in trained(network, affine_too=True).items()}

        def loss(moved: Mapping[str, Tensor]) -> Tensor:
            return F.cross_entropy(output_at(network, {**fixed, **moved}, x)[:first], drawn.labels)

        with statistics_of(network, first if config.norm == "clean" else None):
            slopes = torch.autograd.grad(loss(theta), list(theta.values()))
            delta = perturbation(theta, dict(zip(theta, slopes, strict=True)), config.epsilon, config.scope)
            return config.alpha * loss({name: value + delta[name] for name, value in theta.items()})

    def _drawn(self, batch: Batch) -> Batch:
        """Distinct triggers for one step, augmented if asked for."""
        count = min(self._config.triggers_a_step, len(self._triggers))
        index = torch.randperm(len(self._triggers), generator=self._rng)[:count]
        part = self._triggers.select(index)
        drawn = Batch(part.x.to(batch.x), part.labels.to(batch.labels.device), index)
        for transform in self._transforms:
            drawn = transform(drawn, self._rng)
        return drawn

    def _companions(self, batch: Batch) -> Tensor:
        """Clean images of the batch, at most `clean_a_step`; triggers among its rows come last, and so are left out."""
        foreign = (batch.index >= self._clean) | (batch.index < 0)
        return batch.x[foreign.to(torch.int8).argsort(stable=True)[: self._config.clean_a_step]]
