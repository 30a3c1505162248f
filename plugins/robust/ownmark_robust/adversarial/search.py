"""Perturbed images, found by projected gradient ascent, and losses on them."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import Batch, evaluating
from ownmark_robust.adversarial.config import AdversarialConfig


def perturbed(
    x: Tensor, loss: Callable[[Tensor], Tensor], config: AdversarialConfig, start: Tensor
) -> Tensor:
    """x + delta, |delta| <= epsilon and the image in [0, 1], after signed steps up the loss.

    Args:
        start: delta before the first step.
    """
    found = (x + start).clamp(0, 1)
    for _ in range(config.steps):
        moved = found.detach().requires_grad_()
        (slope,) = torch.autograd.grad(loss(moved), moved)
        found = moved.detach() + config.step * slope.sign()
        found = (x + (found - x).clamp(-config.epsilon, config.epsilon)).clamp(0, 1)
    return found.detach()


class Adversarial:
    """Loss term: cross entropy of perturbed images (PGD-AT), or of clean ones with the divergence of perturbed ones
    from them (TRADES). Images are perturbed against the network in eval mode."""

    def __init__(self, config: AdversarialConfig) -> None:
        self._config = config

    def __call__(self, network: nn.Module, batch: Batch, step: int) -> Tensor:
        """The term on one step."""
        config, labels = self._config, batch.labels
        if config.method == "pgd":
            x = self._search(
                network, batch.x, lambda moved: F.cross_entropy(network(moved).float(), labels), uniform=True
            )
            return F.cross_entropy(network(x).float(), labels)
        with evaluating(network):
            answers = network(batch.x).float().softmax(1)
        x = self._search(network, batch.x, lambda moved: _divergence(network(moved), answers), uniform=False)
        clean = batch.output(network).float()
        return F.cross_entropy(clean, labels) + config.beta * _divergence(network(x), clean.softmax(1))

    def _search(
        self, network: nn.Module, x: Tensor, loss: Callable[[Tensor], Tensor], uniform: bool
    ) -> Tensor:
        """`perturbed` with BatchNorm's statistics left alone."""
        epsilon = self._config.epsilon
        start = epsilon * (2 * torch.rand_like(x) - 1) if uniform else 1e-3 * torch.randn_like(x)
        modes = {module: module.training for module in network.modules()}
        network.eval()
        try:
            return perturbed(x, loss, self._config, start)
        finally:
            for module, mode in modes.items():
                module.training = mode


def _divergence(logits: Tensor, wanted: Tensor) -> Tensor:
    """KL(wanted || softmax(logits)), the mean over a batch."""
    return F.kl_div(logits.float().log_softmax(1), wanted, reduction="batchmean")
