"""Hidden features of networks as points of a plane: clean images, and among them the triggers (APP paper, Figure 7)."""

from __future__ import annotations

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

FEATURES_VERSION = 1


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
    start = "pca" if points.shape[1] > 1 else "random"
    flat = TSNE(perplexity=limit, init=start, random_state=seed % 2**32).fit_transform(
        points.double().numpy()
    )
    low, high = flat.min(0), flat.max(0)
    scaled: NDArray[Any] = (flat - low) / np.maximum(high - low, 1e-12)
    return scaled


def spread(points: Tensor) -> float:
    """Root mean square distance of points [N, D] from their centre."""
    return float((points - points.mean(0)).square().sum(1).mean().sqrt())


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
        shown = _some(making.splits(cell.task.dataset).test, rule.images, rng)
        key = making.key(cell)
        if {"triggers", "labels"} <= set(key.tensors):
            taught = _some(
                Samples(key["triggers"].to(shown.x), key["labels"].to(shown.labels)), rule.triggers, rng
            )
        else:
            taught = shown.first(0)
        found = hidden(making.suspect_network(cell), torch.cat([shown.x, taught.x])).nan_to_num()
        clean, triggers = found[: len(shown)], found[len(shown) :]
        flat = embedded(found, rule.perplexity, int(torch.randint(2**31, (), generator=rng)))
        return Contents({
            "points": np.round(flat, 4).tolist(), "clean": len(clean),
            "labels": _classes(shown) + _classes(taught),
            "spread": spread(triggers) / max(spread(clean), 1e-12) if len(triggers) else None,
        })  # fmt: skip


def _some(samples: Samples, count: int, rng: torch.Generator) -> Samples:
    order = torch.randperm(len(samples), generator=rng)[:count]
    return samples.select(order.to(samples.device))


def _classes(samples: Samples) -> list[int]:
    """Labels as numbers; 0 for all where they are no classes."""
    return samples.labels.tolist() if are_classes(samples) else [0] * len(samples)
