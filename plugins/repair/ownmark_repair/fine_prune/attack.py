"""Fine-pruning (Liu, Dolan-Gavitt, Garg, RAID 2018), with the settings of the papers that used it against marks.

Idea: units that clean images hardly excite may be there for the mark; silence them, and fine-tune.
Threat model: the thief holds the weights and images, with true labels or labelled by the stolen network.
Functions: `activity` scores units, `least_active` chooses, `masked` silences them for good.
Symbols: the pruned map has shape (K, h, w); scores and masks are [K, 1, 1] for channels, [K, h, w] for neurons.
Deviations: see the declaration in `__init__` and the method card.
Reported: of fresh triggers are left, CIFAR-10: Content 74.58 %, Noise 28.21 %, Unrelated 24.61 % (APP paper, Table 1).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ownmark.contracts import Attack, Fit, Stolen, Suspect, cross_entropy, evaluating
from ownmark.contracts.views import Shape, device_of
from ownmark.errors import NotApplicable
from ownmark_repair.fine_prune.config import FinePruneConfig
from ownmark_repair.labels import labelled
from ownmark_repair.maps import captured, last_map

KEPT = "kept_units"
"""Buffer of the pruned layer: 1 for units that stay, 0 for those that are silenced."""
_AT_ONCE = 512


def activity(network: nn.Module, layer: str, x: Tensor, unit: str) -> Tensor:
    """Mean |activation| of each unit of the layer's map over images x [N, C, H, W], in eval mode.

    Returns: [K, 1, 1] for channels, [K, h, w] for neurons; on the network's device.
    """
    total: Tensor | float = 0.0
    with evaluating(network), captured(network, [layer]) as maps:
        for part in torch.split(x, _AT_ONCE):
            network(part.to(device_of(network)))
            total = total + maps[layer].float().abs().sum(0)
    mean = torch.as_tensor(total) / len(x)
    return mean.mean((1, 2), keepdim=True) if unit == "channel" else mean


def least_active(score: Tensor, share: float) -> Tensor:
    """Mask of a score's shape: 0 for exactly round(share * n) units with the lowest, ties by position; else 1."""
    mask = torch.ones(score.numel(), device=score.device)
    mask[score.flatten().argsort(stable=True)[: round(share * score.numel())]] = 0
    return mask.reshape(score.shape)


def _silence(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
    kept: Tensor = getattr(module, KEPT)
    return output * kept


def masked(network: nn.Module, layer: str, kept: Tensor) -> nn.Module:
    """The network, in place, with the layer's output multiplied by `kept`, which becomes a buffer of that layer."""
    module = network.get_submodule(layer)
    module.register_buffer(KEPT, kept.clone())
    module.register_forward_hook(_silence)
    return network


class FinePrune(Attack):
    """Silences the least active units of one layer and fine-tunes the rest."""

    config: FinePruneConfig

    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        """There must be such a layer, and units must be left in it."""
        channels, height, width = last_map(network, shape, self.config.layer).shape
        units = channels * (height * width if self.config.unit == "neuron" else 1)
        if round(self.config.share * units) >= units:
            raise NotApplicable(
                f"a share of {self.config.share:g} prunes all {units} {self.config.unit}s of the layer"
            )

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Prune a copy of the stolen network and train it."""
        config, network = self.config, stolen.copy()
        samples = labelled(stolen, config.labels)
        layer = last_map(network, stolen.shape, config.layer).name
        if config.share > 0:
            masked(
                network, layer, least_active(activity(network, layer, samples.x, config.unit), config.share)
            )
        return Suspect(fit(network, samples, config.recipe, terms=(cross_entropy,)), {"pruned_layer": layer})

    def restore(
        self, network: nn.Module, state: Mapping[str, Tensor], shape: Shape = (0, 0, 0), classes: int = 0
    ) -> nn.Module:
        """The masks are part of the state."""
        for name, kept in state.items():
            if name.endswith(f".{KEPT}"):
                masked(network, name.removesuffix(f".{KEPT}"), kept)
        return super().restore(network, state, shape, classes)
