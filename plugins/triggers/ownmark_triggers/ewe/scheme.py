"""Jia et al., "Entangled Watermarks as a Defense against Model Extraction", USENIX Security 2021.

Idea: patch images of one class, label them as another, and force the network to represent them as it represents that
other class. A thief who learns the task from its answers, or who unlearns the triggers, has to learn or unlearn both.
Threat model: black box; triggers and label are secret.
Equations: SNNL is `snnl.snnl`, trigger generation is `triggers.patch_mask` and `triggers.refined`,
L = sum CE - k sum SNNL is `training.EntanglingLoss`, alternation is `training.Alternation`.
Symbols: `triggers` [N, C, H, W] in [0, 1], `labels` [N], `carriers` [N]; `pattern`, `mask` [C, H, W]; t [layers].
Deviations: see the declaration in `__init__` and the method card.
Reported: accuracy 98.86 % (MNIST), 93.97 % (CIFAR-10), all triggers (MIRA, Table B.1).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ownmark.contracts import Dataset, Fit, HostView, Key, Marked, Samples, Scheme, Task
from ownmark.errors import NotApplicable
from ownmark_triggers.carriers import check_target, draw_carriers
from ownmark_triggers.ewe.config import EweConfig
from ownmark_triggers.ewe.training import Alternation, EntanglingLoss
from ownmark_triggers.ewe.triggers import entanglement_slope, patch_mask, refined, window_side
from ownmark_triggers.networks import check_layers, weighted_layers
from ownmark_triggers.stamps import stamp
from ownmark_triggers.unrelated.images import in_shape

MOST = 500
"""Triggers, unless more are asked for."""


def draw_classes(
    classes: int, target: int | None, source: int | None, rng: torch.Generator
) -> tuple[int, int]:
    """Target and source class, different ones: as given, or drawn."""
    order = torch.randperm(classes, generator=rng, device=rng.device).tolist()
    chosen = target if target is not None else next(label for label in order if label != source)
    return chosen, source if source is not None else next(label for label in order if label != chosen)


class Ewe(Scheme):
    """Triggers entangled with a class.

    Args:
        source: the dataset to take foreign triggers from; None patches the owner's images.
    """

    config: EweConfig

    def __init__(self, config: Any = None, *, source: Dataset | None = None) -> None:
        super().__init__(config)
        self._source = source

    def check(self, network: nn.Module, task: Task) -> None:
        """Classes must exist, the patch must fit, and there must be layers to entangle."""
        config = self.config
        if task.classes < 2:
            raise NotApplicable("a trigger needs a wrong label, and the task has one class only")
        foreign = self._source is not None
        check_target(task.classes, config.target or 0, None if foreign else config.source_class)
        side = window_side(config.window, *task.shape[1:])
        if side > min(task.shape[1:]):
            raise NotApplicable(
                f"a patch of {side} x {side} does not fit {task.shape[1]} x {task.shape[2]} pixels"
            )
        check_layers(network, self._layers(network))

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Draws classes and carriers; patch and refinement need the trained host and follow in `embed`.

        Tensors: `triggers` (not patched yet), `labels`, `carriers` (positions in the owner's data; not for a
        foreign source). Values: `target`, `source_class`.
        """
        config, owner = self.config, task.owner
        if self._source is None:
            target, source = draw_classes(task.classes, config.target, config.source_class, rng)
        else:
            target, _ = draw_classes(task.classes, config.target, None, rng)
            source = config.source_class or 0
        pool = self._pool(source, task)
        wanted = config.keys or min(
            MOST, int((owner.labels == target).sum()), int((pool.labels == source).sum())
        )
        places = draw_carriers(pool, pool.labels == source, wanted, rng)
        labels = torch.full((wanted,), target, dtype=torch.int64, device=owner.device)
        tensors = {
            "triggers": in_shape(pool.select(places).x, task.shape).to(owner.device, torch.float32),
            "labels": labels,
        }
        if self._source is None:
            tensors["carriers"] = places
        return Key("ewe", tensors, {"target": target, "source_class": source})

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Finish the triggers on the trained host, then train it on, clean and trigger batches in turn."""
        config, network = self.config, host.trained()
        layers, target = self._layers(network), key.values["target"]
        genuine = task.owner.select(task.owner.labels == target).x
        key = self._finished(key, network.eval(), genuine, layers)
        loss = EntanglingLoss(
            host.terms, layers, config.strength, config.temperature, config.temperature_rate
        )
        alternation = Alternation(key["triggers"], genuine, target, config.ratio)
        epochs = round(config.recipe.epochs * (1 + 1 / config.ratio))
        fit(
            network,
            task.owner,
            config.recipe.change(epochs=epochs),
            terms=(loss,),
            transforms=(*host.transforms, alternation),
        )
        exhibits = {f"t {name}": float(t) for name, t in zip(layers, loss.t, strict=True)}
        return Marked(network, key, {"triggers": key["triggers"][:8], **exhibits})

    def _finished(self, key: Key, network: nn.Module, genuine: Tensor, layers: tuple[str, ...]) -> Key:
        """The key with patched and refined triggers; `pattern` and `mask` of the patch join it."""
        config, x, tensors = self.config, key["triggers"], dict[str, Tensor]()
        slope = entanglement_slope(network, layers, genuine, config.temperature)
        if self._source is None:
            mask = patch_mask(slope(x).mean(0), window_side(config.window, *x.shape[2:]))
            tensors = {"pattern": torch.ones_like(mask), "mask": mask}
            x = stamp(x, tensors["pattern"], mask)
        half = max(1, config.recipe.batch_size // 2)
        parts = [
            refined(
                network, part, key.values["target"],
                entanglement_slope(network, layers, genuine[:half], config.temperature),
                rounds=config.rounds, step=config.step,
            )
            for part in torch.split(x, half)
        ]  # fmt: skip
        return key.add({"triggers": torch.cat(parts), **tensors})

    def _layers(self, network: nn.Module) -> tuple[str, ...]:
        layers = self.config.layers or tuple(weighted_layers(network)[-3:])
        if not layers:
            raise NotApplicable("the network has neither convolutions nor dense layers to entangle")
        return layers

    def _pool(self, source: int, task: Task) -> Samples:
        """Images the triggers come from."""
        return task.owner if self._source is None else self._source.load().train.to(task.owner.device)
