"""Elastic weight consolidation: how much the task depends on each weight, and the price of moving it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from ownmark.contracts import Batch, Term, evaluating
from ownmark.contracts.views import device_of
from ownmark.loops import in_chunks

_AT_ONCE = 64


def fisher(network: nn.Module, x: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
    """F = mean over images of (d log p(y | x) / d theta)^2, y drawn from the network's own answer; largest value 1.

    Args:
        x: [N, C, H, W]. rng: on the CPU; draws the labels. The network is in eval mode meanwhile.
    """
    theta = {name: value.detach() for name, value in network.named_parameters() if value.requires_grad}
    device = device_of(network)

    def log_probability(parameters: Mapping[str, Tensor], image: Tensor, chosen: Tensor) -> Tensor:
        answer: Tensor = functional_call(network, dict(parameters), (image[None],))
        return (answer.float().log_softmax(1)[0] * chosen).sum()

    slopes: Callable[..., Mapping[str, Tensor]] = vmap(grad(log_probability), in_dims=(None, 0, 0))
    total = {name: torch.zeros_like(value) for name, value in theta.items()}

    def add(rows: slice) -> None:
        part = x[rows].to(device)
        answers = network(part).float().softmax(1)
        drawn = torch.multinomial(answers.cpu(), 1, generator=rng).to(device)
        chosen = torch.zeros_like(answers).scatter_(1, drawn, 1.0)
        for name, slope in slopes(theta, part, chosen).items():
            total[name] += slope.square().sum(0)

    with evaluating(network):
        in_chunks(len(x), _AT_ONCE, add)
    largest = max(float(value.max()) for value in total.values())
    return {name: value / (largest or 1.0) for name, value in total.items()}


def elastic(
    start: Mapping[str, Tensor], importance: Mapping[str, Tensor], weight: float, rate: Callable[[int], float]
) -> Term:
    """Loss term: sum 1/2 lambda min(F, 1 / (lr lambda)) (theta - theta_0)^2, which no step at rate lr can overshoot.

    Args:
        rate: learning rate at a step.
    """

    def term(network: nn.Module, batch: Batch, step: int) -> Tensor:
        most = 1 / max(rate(step) * weight, 1e-12)
        parts = [
            (importance[name].to(value).clamp(max=most) * (value - start[name].to(value)).square()).sum()
            for name, value in network.named_parameters()
            if name in importance
        ]
        return 0.5 * weight * torch.stack(parts).sum()

    return term
