"""Which channels and neurons a trigger excites, and how they are silenced (Algorithm 1 of the laundering paper).

AW and AN are a unit's mean activations on stamped and on clean images. A unit with AW - AN above a threshold is reset:
the weights it gets its input through become zero, and what its norm would add as well.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ownmark_laundering.units import Site, mean_activations

DEEP = 18
"""Layers from which a network counts as deep ("ResNet18+")."""


def laundered_sites(found: Sequence[Site], which: str) -> list[Site]:
    """The sites that may be reset; never the output layer, whose units are classes.

    Args:
        found: every site, in order. which: `"all"`, `"second-half"`, or `"auto"`: the half in deep networks only.
    """
    hidden = list(found[:-1])
    half = which == "second-half" or (which == "auto" and len(found) >= DEEP)
    return hidden[len(found) // 2 :] if half else hidden


def differences(
    network: nn.Module, clean: Tensor, stamped: Tensor, where: Sequence[Site], unit: str
) -> list[Tensor]:
    """AW - AN of each unit, [units] a site; of a channel's map the largest difference counts."""
    quiet, excited = (mean_activations(network, x, where, unit) for x in (clean, stamped))
    return [strongest(aw - an) for aw, an in zip(excited, quiet, strict=True)]


def strongest(difference: Tensor) -> Tensor:
    """Largest entry of each unit: [units, ...] -> [units]."""
    return difference.flatten(1).amax(1) if difference.ndim > 1 else difference


def excited(difference: Tensor, threshold: float | None, quantile: float) -> Tensor:
    """Units to reset: bool [units].

    Args:
        difference: AW - AN [units]. threshold: of AW - AN, in units of the activation; None takes the `quantile` of
            the layer's differences, and at least 0.
    """
    if threshold is None:
        return difference > difference.quantile(quantile).clamp(min=0)
    return difference > threshold


@torch.no_grad()
def reset(site: Site, units: Tensor, silence: bool, fill: str = "zero") -> None:
    """Zero the weights into the units, in place; or set them to the layer's median weight, with a bias of zero.

    Args:
        units: bool [units]. silence: zero scale and offset of their norm too, without which a norm makes a constant
            of a channel that is zero everywhere. fill: `"zero"` or `"median"`; with the median a norm stays as it is.
    """
    weight = site.layer.weight
    value = weight.median() if fill == "median" else 0.0
    for parameter in (
        site.parameters() if silence and fill == "zero" else site.layer.parameters(recurse=False)
    ):
        parameter[units.to(parameter.device)] = value if parameter is weight else 0.0


def renew_statistics(network: nn.Module) -> None:
    """Mean 0 and variance 1 in every BatchNorm, for retraining to measure anew."""
    for module in network.modules():
        if isinstance(module, _BatchNorm) and module.running_mean is not None:
            module.reset_running_stats()
