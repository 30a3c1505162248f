"""Wang et al., "Non-Transferable Learning: ...", ICLR 2022, in its ownership mode.

Idea: train the network so that it knows clean images and fails on copies with a faint pattern, whose features are
pushed away from the clean ones. No independent network fails there.
Threat model: black box; the verifier sends images with and without the pattern.
Equations: L* = L1 - min(1, alpha L2) min(1, beta MMD) is `loss.ownership_loss`; MMD is `loss.mmd`; p(x) is
`stamps.stamp` with a pattern of `patterns`.
Symbols: `images`, `triggers` [N, C, H, W] in [0, 1], clean and patched; `labels` [N], the true ones; `pattern`
[C, H, W]; `foreign` [C, H, W], a pattern of other signs that the network has to withstand.
Deviations: see the declaration in `__init__` and the method card.
Reported: 87.51 % of patched images misclassified on CIFAR-10 (APP paper, Table 11).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ownmark.contracts import Fit, HostView, Key, Marked, Samples, Scheme, Task, predictions
from ownmark.errors import NotApplicable
from ownmark_triggers.carriers import draw_carriers, key_count
from ownmark_triggers.networks import check_layers, weighted_layers
from ownmark_triggers.ntl.config import NtlConfig
from ownmark_triggers.ntl.loss import ownership_term
from ownmark_triggers.ntl.patterns import grid, signed_grids, two_streams
from ownmark_triggers.stamps import stamp

SPARE = 2
"""Candidates for each verification image: a marked network calls all patched images one label, right for some."""


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


def with_images(key: Key, owner: Samples, places: Tensor) -> Key:
    """The key with the owner's images at `places` int64 [N] to verify with."""
    chosen = owner.select(places)
    triggers = stamp(chosen.x, key["pattern"])
    return key.add({"images": chosen.x, "triggers": triggers, "labels": chosen.labels})


def showing(network: nn.Module, samples: Samples, pattern: Tensor, foreign: Tensor | None = None) -> Tensor:
    """Which images the network knows, with a foreign pattern as well, and not with the key's: bool [N]."""
    truth = samples.labels

    def knows(x: Tensor) -> Tensor:
        return predictions(network, x).to(truth.device) == truth

    shows = knows(samples.x) & ~knows(stamp(samples.x, pattern))
    return shows if foreign is None else shows & knows(stamp(samples.x, foreign))


class Ntl(Scheme):
    """Known clean, unknown with the pattern."""

    config: NtlConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """There must be features to push away, and labels to get wrong."""
        feature_layer(network, self.config.layer)
        if task.classes < 2:
            raise NotApplicable("with one class no image can be misclassified")

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Draws the pattern's signs and the images.

        Tensors: see the module, and `carriers` (positions in the owner's data; more than there are images, as
        `embed` chooses again). `foreign` is missing where no other pattern is trained as harmless. Values: `strength`,
        `keys`.
        """
        config, owner = self.config, task.owner
        places = signed_grids(1, task.shape, rng)[0] if config.secret else grid(task.shape)
        pattern = config.strength * places.to(owner.device, torch.float32)
        count = key_count(config.keys, 0.01, len(owner))
        wanted = max(count, min(SPARE * count, len(owner)))
        places = draw_carriers(owner, torch.ones(len(owner), dtype=torch.bool), wanted, rng)
        tensors = {"pattern": pattern, "carriers": places}
        if config.secret and config.decoys:
            foreign = config.strength * signed_grids(1, task.shape, rng)[0]
            tensors["foreign"] = foreign.to(owner.device, torch.float32)
        key = Key("ntl", tensors, {"strength": config.strength, "keys": count})
        return with_images(key, owner, places[:count])

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train the trained host on, on clean and patched images together."""
        config, network = self.config, host.trained()
        layer = feature_layer(network, config.layer)
        streams = two_streams(key["pattern"], key.values["strength"], config.decoys if config.secret else 0.0)
        fit(
            network,
            task.owner,
            config.recipe,
            terms=(ownership_term(host.terms, layer, config.alpha, config.beta),),
            transforms=(*host.transforms, streams),
        )
        candidates = task.owner.select(key["carriers"])
        shows = showing(network, candidates, key["pattern"], key.tensors.get("foreign"))
        chosen = key["carriers"][shows.sort(descending=True, stable=True).indices[: key.values["keys"]]]
        key = with_images(key, task.owner, chosen)
        rate = int(shows.sum()) / len(shows)
        return Marked(network, key, {"triggers": key["triggers"][:8], "layer": layer, "share marked": rate})
