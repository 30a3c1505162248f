"""Attacks that leave another network than the stolen one, or none that works."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ownmark.contracts import Attack, Fit, Stolen, Suspect
from ownmark.contracts.loading import load_weights, no_numbers
from ownmark.errors import TrainingDiverged


def widened(network: nn.Module) -> nn.Module:
    """Every convolution's filters get an input that is always zero: answers stay, shapes do not."""
    convs = [name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)]
    state = network.state_dict()
    first, second = convs[-2:]
    norms = [n for n, m in network.named_modules() if isinstance(m, nn.BatchNorm2d)]
    grown = {
        f"{first}.weight": 0,
        **{f"{norms[-2]}.{part}": 0 for part in ("weight", "bias", "running_mean")},
    }
    for name, axis in {**grown, f"{norms[-2]}.running_var": 0, f"{second}.weight": 1}.items():
        tensor = state[name]
        state[name] = torch.cat([tensor, torch.zeros_like(tensor.narrow(axis, 0, 1))], axis)
    return load_weights(network, state)


class Dummy(Attack):
    """One neuron more, which changes no answer."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Widen a layer."""
        return Suspect(widened(stolen.network))


def folded(network: nn.Module) -> nn.Module:
    """Convolutions with their BatchNorm folded in, as exporters leave them."""
    names = [n for n, m in network.named_modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d)]
    for conv, norm in zip(names[::2], names[1::2], strict=True):
        fused = fuse_conv_bn_eval(network.get_submodule(conv), network.get_submodule(norm))  # type: ignore[arg-type]
        for name, module in ((conv, nn.Identity()), (norm, fused)):
            parent, _, leaf = name.rpartition(".")
            setattr(network.get_submodule(parent), leaf, module)
    return network.eval()


class Folds(Attack):
    """BatchNorm folded away."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Fold."""
        return Suspect(folded(stolen.network.eval()))

    def restore(self, network: nn.Module, state: Mapping[str, Tensor], *about: Any) -> nn.Module:
        """The same layers again."""
        network = folded(network.eval())
        network.load_state_dict(dict(state))
        return network


class Distils(Attack):
    """Leaves a linear classifier."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Without any training."""
        return Suspect(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)))

    def restore(self, network: nn.Module, state: Mapping[str, Tensor], *about: Any) -> nn.Module:
        """Another architecture."""
        made = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
        made.load_state_dict(dict(state))
        return made


class Forgets(Attack):
    """Leaves another architecture, and cannot build it again."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """A linear classifier."""
        return Suspect(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)))


class Blanks(Attack):
    """Leaves no numbers."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Every weight becomes nan."""
        return Suspect(no_numbers(stolen.network))


class Diverges(Attack):
    """Its training breaks down."""

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """As the training loop does."""
        raise TrainingDiverged("the loss became nan in epoch 1")
