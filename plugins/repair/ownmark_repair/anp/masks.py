"""BatchNorm with a mask and a perturbation on each neuron: y = (m + delta) gamma x + (1 + xi) beta."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ownmark.contracts import Batch


class MaskedNorm(nn.Module):
    """A BatchNorm whose scale is masked and, for a pass, perturbed.

    Args:
        norm: with weight and bias; its parameters are fixed. `mask` [channels] is what is trained.
    """

    delta: Tensor | None
    xi: Tensor | None

    def __init__(self, norm: _BatchNorm) -> None:
        super().__init__()
        self.norm = norm.requires_grad_(False)
        self.mask = nn.Parameter(torch.ones_like(norm.weight))
        self.delta = self.xi = None

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, ...] -> the same shape; batch statistics in train mode."""
        norm = self.norm
        scale = (self.mask if self.delta is None else self.mask + self.delta) * norm.weight
        shift = norm.bias if self.xi is None else (1 + self.xi) * norm.bias
        return F.batch_norm(
            x,
            norm.running_mean,
            norm.running_var,
            scale,
            shift,
            self.training,
            norm.momentum or 0.1,
            norm.eps,
        )


def prunable_norms(network: nn.Module) -> list[str]:
    """Names of BatchNorms with scale and shift."""
    return [
        name
        for name, module in network.named_modules()
        if isinstance(module, _BatchNorm) and module.weight is not None and module.bias is not None
    ]


def with_masks(network: nn.Module) -> list[MaskedNorm]:
    """Put masks on the network's BatchNorms, in place; in the order of `prunable_norms`."""
    found = []
    for name in prunable_norms(network):
        parent, _, last = name.rpartition(".")
        holder = network.get_submodule(parent)
        found.append(MaskedNorm(holder.get_submodule(last)))  # type: ignore[arg-type]
        setattr(holder, last, found[-1])
    return found


class AdversarialMasks:
    """Loss term: alpha CE(m) + (1 - alpha) CE(m + delta, 1 + xi), delta and xi raising the loss within epsilon.

    Masks are kept in [0, 1] before each step; gradients of the perturbation's own passes never reach them.
    """

    def __init__(
        self,
        masked: Sequence[MaskedNorm],
        epsilon: float,
        steps: int,
        alpha: float,
        project: bool,
        rng: torch.Generator,
    ) -> None:
        self._masked = masked
        self._epsilon = epsilon
        self._steps = steps
        self._alpha = alpha
        self._project = project
        self._rng = rng

    def __call__(self, network: nn.Module, batch: Batch, step: int) -> Tensor:
        """The term on one step."""
        clamp(self._masked)
        self._perturb(network, batch)
        perturbed = F.cross_entropy(network(batch.x).float(), batch.labels)
        for one in self._masked:
            one.delta = one.xi = None
        clean = F.cross_entropy(network(batch.x).float(), batch.labels)
        return self._alpha * clean + (1 - self._alpha) * perturbed

    def _perturb(self, network: nn.Module, batch: Batch) -> None:
        noise = [self._uniform(one.mask) for one in self._masked for _ in range(2)]
        for _ in range(self._steps):
            self._put(noise, grow=True)
            loss = F.cross_entropy(network(batch.x).float(), batch.labels)
            slopes = torch.autograd.grad(
                loss, [tensor for one in self._masked for tensor in (one.delta, one.xi)]
            )
            noise = [n + self._epsilon / self._steps * s.sign() for n, s in zip(noise, slopes, strict=True)]
            if self._project:
                noise = [n.clamp(-self._epsilon, self._epsilon) for n in noise]
        self._put(noise, grow=False)

    def _put(self, noise: Sequence[Tensor], grow: bool) -> None:
        for one, delta, xi in zip(self._masked, noise[::2], noise[1::2], strict=True):
            one.delta, one.xi = (n.detach().requires_grad_(grow) for n in (delta, xi))

    def _uniform(self, like: Tensor) -> Tensor:
        drawn = torch.rand(like.shape, generator=self._rng, device=self._rng.device).to(like)
        return (2 * drawn - 1) * self._epsilon


@torch.no_grad()
def clamp(masked: Sequence[MaskedNorm]) -> None:
    """Keep masks in [0, 1]."""
    for one in masked:
        one.mask.clamp_(0, 1)


@torch.no_grad()
def prune(network: nn.Module, masks: Sequence[Tensor], threshold: float) -> nn.Module:
    """Set BatchNorm's scale to 0 where its mask is at most the threshold, in place; shifts stay.

    Args:
        masks: one for each of `prunable_norms`, [channels].
    """
    for name, mask in zip(prunable_norms(network), masks, strict=True):
        weight = network.get_submodule(name).weight
        weight.masked_fill_((mask <= threshold).to(weight.device), 0)  # type: ignore[union-attr,operator,arg-type]
    return network
