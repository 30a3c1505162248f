"""Which pictures of a class are like watermarks: those that leave the class's salient neurons quiet.

Source: MIRA paper, section 5.2 and Algorithm 1, with the sort that its text and the authors' code mean.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.pooling import _AdaptiveAvgPoolNd, _AdaptiveMaxPoolNd, _AvgPoolNd, _MaxPoolNd

from ownmark.contracts import evaluating
from ownmark.errors import NotApplicable

_POOLS = (_AdaptiveAvgPoolNd, _AdaptiveMaxPoolNd, _AvgPoolNd, _MaxPoolNd)
_WEIGHTED = (nn.Linear, _ConvNd)
_TINY = 1e-6


def feature_layer(network: nn.Module, x: Tensor) -> str:
    """Name of the module whose input is the last feature map before pooling.

    The last convolution or linear layer that runs is the classifier; the module is the last pooling that runs between
    it and the layer with weights before, or the classifier itself where there is no such pooling.

    Args:
        x: any input [N, C, H, W] of the network.

    Raises:
        NotApplicable: the network has no such layer, or does not take `x`.
    """
    called: list[str] = []
    kinds = (*_WEIGHTED, *_POOLS)
    modules = {name: module for name, module in network.named_modules() if isinstance(module, kinds)}
    handles = [
        module.register_forward_pre_hook(lambda m, i, name=name: called.append(name))
        for name, module in modules.items()
    ]
    try:
        with evaluating(network):
            network(x)
    finally:
        for handle in handles:
            handle.remove()
    layers = [position for position, name in enumerate(called) if isinstance(modules[name], _WEIGHTED)]
    if not layers:
        raise NotApplicable("the network has no convolution or linear layer whose features could be split")
    before = called[layers[-1] - 1] if layers[-1] > 0 else ""
    return before if isinstance(modules.get(before), _POOLS) else called[layers[-1]]


def features(network: nn.Module, layer: str, x: Tensor, at_once: int = 5000) -> Tensor:
    """Inputs of the module `layer`, flattened to [N, D], in eval mode."""
    seen: list[Tensor] = []
    handle = network.get_submodule(layer).register_forward_pre_hook(lambda m, i: seen.append(i[0].flatten(1)))
    try:
        with evaluating(network):
            for part in torch.split(x, at_once):
                network(part)
    finally:
        handle.remove()
    return torch.cat(seen).float()


def importance(found: Tensor) -> Tensor:
    """mu_j / sigma_j of every neuron over the pictures of each class; 0 for one that is never active.

    Args:
        found: [C, M, D], M >= 2. Returns: [C, D].
    """
    sd, mean = torch.std_mean(found, dim=1, correction=1)
    return mean / (sd + _TINY)


def salient(scores: Tensor, saliency: float) -> Tensor:
    """The ceil((1 - saliency) D) most important neurons of each class. scores: [C, D]. Returns: int64 [C, K]."""
    count = max(1, math.ceil(round((1 - saliency) * scores.shape[1], 6)))
    return scores.argsort(dim=1, descending=True, stable=True)[:, :count]


def watermark_order(found: Tensor, saliency: float) -> Tensor:
    """Pictures of each class, those first that activate the class's salient neurons least. Returns: int64 [C, M]."""
    chosen = salient(importance(found), saliency)
    contribution = found.gather(2, chosen[:, None, :].expand(-1, found.shape[1], -1)).mean(2)
    return contribution.argsort(dim=1, stable=True)


def split(images: Tensor, order: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Proxy watermark pictures [C, round(share M), ...] and proxy normal ones, the rest.

    Args:
        images: [C, M, channels, H, W]. order: [C, M], from `watermark_order`.
    """
    rows = torch.arange(len(images), device=images.device)[:, None]
    ordered = images[rows, order]
    count = min(max(1, round(share * images.shape[1])), images.shape[1] - 1)
    return ordered[:, :count], ordered[:, count:]
