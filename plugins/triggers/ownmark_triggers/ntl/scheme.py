"""Wang et al., "Non-Transferable Learning: ...", ICLR 2022, in its ownership mode.

Idea: train the network so that it knows clean images and fails on copies with a faint pattern, whose features are
pushed away from the clean ones. No independent network fails there.
Threat model: black box; the verifier sends images with and without the pattern.
Equations: L* = L1 - min(1, alpha L2) min(1, beta MMD) is `loss.ownership_loss`; MMD is `loss.mmd`; p(x) is
`stamps.stamp` with a pattern of `patterns`.
Symbols: `images`, `triggers` [N, C, H, W] in [0, 1], clean and patched; `labels` [N], the true ones; `pattern`
[C, H, W].
Deviations: see the declaration in `__init__` and the method card.
Reported: 87.51 % of patched images misclassified on CIFAR-10 (APP paper, Table 11).
"""

from __future__ import annotations

import torch
from torch import nn

from ownmark.contracts import Fit, HostView, Key, Marked, Scheme, Task
from ownmark.errors import NotApplicable
from ownmark_triggers.carriers import draw_carriers, key_count
from ownmark_triggers.networks import check_layers, weighted_layers
from ownmark_triggers.ntl.config import NtlConfig
from ownmark_triggers.ntl.loss import ownership_term
from ownmark_triggers.ntl.patterns import grid, signed_grids, two_streams, usual_strength
from ownmark_triggers.stamps import stamp


def feature_layer(network: nn.Module, layer: str | None) -> str:
    """The named layer, or the one halfway through the network.

    Raises:
        NotApplicable: there is no such layer.
    """
    if layer is None:
        layers = weighted_layers(network)
        if not layers:
            raise NotApplicable(
                "the network has neither convolutions nor dense layers whose inputs are features"
            )
        return layers[len(layers) // 2]
    check_layers(network, [layer])
    return layer


class Ntl(Scheme):
    """Known clean, unknown with the pattern."""

    config: NtlConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """There must be features to push away, and labels to get wrong."""
        feature_layer(network, self.config.layer)
        if task.classes < 2:
            raise NotApplicable("with one class no image can be misclassified")

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Draws the pattern's signs and the images. Tensors: see the module. Values: `strength`."""
        config, owner = self.config, task.owner
        strength = usual_strength(task.shape[0]) if config.strength is None else config.strength
        places = signed_grids(1, task.shape, rng)[0] if config.secret else grid(task.shape)
        pattern = strength * places.to(owner.x)
        everyone = torch.ones(len(owner), dtype=torch.bool)
        chosen = owner.select(draw_carriers(owner, everyone, key_count(config.keys, 0.01, len(owner)), rng))
        tensors = {
            "images": chosen.x, "triggers": stamp(chosen.x, pattern), "labels": chosen.labels, "pattern": pattern,
        }  # fmt: skip
        return Key("ntl", tensors, {"strength": strength})

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train the trained host on, on clean and patched images together."""
        config, network = self.config, host.trained()
        layer = feature_layer(network, config.layer)
        streams = two_streams(key["pattern"], key.values["strength"], config.decoys if config.secret else 0.0)
        fit(
            network,
            task.owner,
            config.recipe,
            terms=(ownership_term(layer, config.alpha, config.beta),),
            transforms=(*host.transforms, streams),
        )
        return Marked(network, key, {"triggers": key["triggers"][:8], "layer": layer})
