"""How far a suspect's weights are from the marked network's."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics import Metric


def squared_distances(network: nn.Module, reference: nn.Module) -> tuple[Tensor, Tensor]:
    """||w - w0||^2 and ||w0||^2, float64 scalars, over floating-point parameters of equal name and shape."""
    distance = norm = torch.zeros((), dtype=torch.float64)
    originals = dict(reference.named_parameters())
    for name, parameter in network.named_parameters():
        original = originals.get(name)
        if original is None or original.shape != parameter.shape or not original.is_floating_point():
            continue
        w, w0 = (p.detach().to("cpu", torch.float64) for p in (parameter, original))
        distance, norm = distance + (w - w0).square().sum(), norm + w0.square().sum()
    return distance, norm


class RelativeWeightDistance(Metric):
    """||w - w0||_2 / ||w0||_2; nan if no parameter of one network has a counterpart in the other."""

    is_differentiable = False
    higher_is_better: bool | None = False
    full_state_update = False
    distance: Tensor
    norm: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("distance", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("norm", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, network: nn.Module, reference: nn.Module) -> None:
        """Take the suspect and the network it is compared with."""
        distance, norm = squared_distances(network, reference)
        self.distance += distance.to(self.distance.device)
        self.norm += norm.to(self.norm.device)

    def compute(self) -> Tensor:
        """The distance, a scalar."""
        return (self.distance / self.norm).sqrt()
