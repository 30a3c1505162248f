"""Hidden features of networks as points of a plane: clean images, and among them the triggers (APP paper, Figure 7) and
the pictures that an attack shows, before and after it (MIRA paper, Figure 5)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ownmark.config import to_plain
from ownmark.contracts.samples import Samples
from ownmark.contracts.views import outputs
from ownmark.runner.cell import Cell
from ownmark.runner.controls import are_classes
from ownmark.runner.graph import Node, once
from ownmark.runner.making import Making
from ownmark.runner.plan import Features
from ownmark.runner.seeds import rng_for
from ownmark.runner.store import Contents

FEATURES_VERSION = 2
NEAREST = 10
"""Clean images that say where a trigger lies."""


def hidden(network: nn.Module, x: Tensor) -> Tensor:
    """What the network's last dense layer is handed for images x [N, C, H, W]: [N, D], on the CPU.

    A network without dense layers has its answers for features.
    """
    called: list[nn.Module] = []
    kept: list[Tensor] = []
    dense = [module for module in network.modules() if isinstance(module, nn.Linear)]
    handles = [module.register_forward_pre_hook(lambda module, _: called.append(module)) for module in dense]
    try:
        outputs(network, x[:1])
    finally:
        for handle in handles:
            handle.remove()
    if not called:
        return outputs(network, x).flatten(1).cpu()
    last = called[-1].register_forward_pre_hook(
        lambda _, inputs: kept.append(inputs[0].float().reshape(len(inputs[0]), -1).cpu())
    )
    try:
        outputs(network, x)
    finally:
        last.remove()
    return torch.cat(kept)


def embedded(points: Tensor, perplexity: float, seed: int) -> NDArray[Any]:
    """scikit-learn's t-SNE of points [N, D]: [N, 2], each axis from 0 to 1; equal points give equal pictures.

    Args:
        perplexity: lowered to a third of the points where these are few.
    """
    from sklearn.manifold import TSNE

    limit = min(perplexity, max(1.0, (len(points) - 1) / 3))
    start = "pca" if points.shape[1] > 1 and bool((points != points[0]).any()) else "random"
    flat = TSNE(perplexity=limit, init=start, random_state=seed % 2**32).fit_transform(
        points.double().numpy()
    )
    low, high = flat.min(0), flat.max(0)
    scaled: NDArray[Any] = (flat - low) / np.maximum(high - low, 1e-12)
    return scaled


def spread(points: Tensor) -> float:
    """Root mean square distance of points [N, D] from their centre."""
    return float((points - points.mean(0)).square().sum(1).mean().sqrt())


def at_home(clean: Tensor, labels: Tensor, triggers: Tensor, wanted: Tensor) -> float:
    """Share of triggers among whose nearest clean images the label that they should get is the most common.

    Args:
        clean: features [N, D]. labels: [N]. triggers: [T, D]. wanted: [T].
    """
    nearest = torch.cdist(triggers, clean).topk(min(NEAREST, len(clean)), largest=False).indices
    return float((labels[nearest].mode(1).values == wanted).float().mean())


def nearness(points: Tensor, triggers: Tensor, clean: Tensor) -> float:
    """Mean distance of points to the nearest trigger, that of clean images being 1. All [*, D]."""
    found, usual = (torch.cdist(part, triggers).amin(1).mean() for part in (points, clean))
    return float(found / usual.clamp(min=1e-12))


def view(
    network: nn.Module,
    shown: Samples,
    taught: Samples,
    pictures: Mapping[str, Tensor],
    perplexity: float,
    seed: int,
) -> dict[str, Any]:
    """What one network makes of clean images, triggers and pictures: all their `points`, and where these lie."""
    sizes = [len(shown), len(taught), *map(len, pictures.values())]
    found = hidden(network, torch.cat([shown.x, taught.x, *pictures.values()])).nan_to_num()
    clean, triggers, *others = torch.tensor_split(found, list(accumulate(sizes))[:-1])
    values: dict[str, Any] = {
        "points": np.round(embedded(found, perplexity, seed), 4).tolist(), "spread": None, "home": None, "near": {},
    }  # fmt: skip
    if len(triggers):
        labels, wanted = (torch.tensor(_classes(part)) for part in (shown, taught))
        values |= {
            "spread": spread(triggers) / max(spread(clean), 1e-12),
            "home": at_home(clean, labels, triggers, wanted),
            "near": {name: nearness(x, triggers, clean) for name, x in zip(pictures, others, strict=True)},
        }
    return values


class FeatureMaps:
    """Nodes of the features that a plan asks for."""

    def __init__(self, making: Making) -> None:
        self._making = making
        self._rule: Features | None = making.plan.features

    def nodes(self, cell: Cell) -> dict[str, Node]:
        """Stage `features` of cells of the plan's first seed with each scheme's own extractor; attacked ones if the
        plan says so."""
        rule = self._rule
        if rule is None or cell.extractor is not None or cell.seed != self._making.plan.seeds[0]:
            return {}
        return {"features": self._node(cell)} if cell.attack is None or rule.attacked else {}

    @once(lambda cell: cell)
    def _node(self, cell: Cell) -> Node:
        suspect, marked = self._making.suspect(cell), self._making.marked(cell)
        about = {
            "suspect": suspect.digest, "marked": marked.digest, "rule": to_plain(self._rule),
            "seed": cell.seed, "version": FEATURES_VERSION,
        }  # fmt: skip
        return Node("features", cell.label, about, lambda _: self._seen(cell), (marked, suspect))

    def _seen(self, cell: Cell) -> Contents:
        rule, making = self._rule, self._making
        assert rule is not None
        rng = rng_for("features", cell.seed)
        shown = _some(making.tasks.splits(cell.task.dataset).test, rule.images, rng)
        key = making.key(cell)
        if {"triggers", "labels"} <= set(key.tensors):
            taught = _some(
                Samples(key["triggers"].to(shown.x), key["labels"].to(shown.labels)), rule.triggers, rng
            )
        else:
            taught = shown.first(0)
        pictures = {name: x.to(shown.x)[: rule.triggers] for name, x in self._pictures(cell).items()}
        seed = int(torch.randint(2**31, (), generator=rng))
        now = view(making.suspect_network(cell), shown, taught, pictures, rule.perplexity, seed)
        values = {"clean": len(shown), "labels": _classes(shown) + _classes(taught), **now}
        if cell.attack is not None:
            before = view(making.marked_network(cell), shown, taught, pictures, rule.perplexity, seed)
            values |= {"pictures": {name: len(x) for name, x in pictures.items()}, "before": before}
        return Contents(values)

    def _pictures(self, cell: Cell) -> dict[str, Tensor]:
        """What the attack shows that could be an input."""
        entry = self._making.engine.get(self._making.suspect(cell))
        if cell.attack is None or not entry.has("exhibits"):
            return {}
        shape = self._making.tasks.splits(cell.task.dataset).shape
        return {
            name: x for name, x in entry.tensors("exhibits").items() if tuple(x.shape[1:]) == tuple(shape)
        }


def _some(samples: Samples, count: int, rng: torch.Generator) -> Samples:
    order = torch.randperm(len(samples), generator=rng)[:count]
    return samples.select(order.to(samples.device))


def _classes(samples: Samples) -> list[int]:
    """Labels as numbers; 0 for all where they are no classes."""
    return samples.labels.tolist() if are_classes(samples) else [0] * len(samples)
