"""The vicinity of a marked network: evidence and utility over a plane of weight space (APP paper, appendix A)."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.config import to_plain
from ownmark.contracts.evidence import Evidence
from ownmark.contracts.fit import Recipe
from ownmark.contracts.key import Key
from ownmark.contracts.samples import Samples
from ownmark.loops import remeasure
from ownmark.methods import Kind, Need
from ownmark.runner.asking import Asked
from ownmark.runner.cell import Cell
from ownmark.runner.graph import Bench, Node, once
from ownmark.runner.making import Making
from ownmark.runner.measuring import measured
from ownmark.runner.plan import Landscape
from ownmark.runner.reading import Reading
from ownmark.runner.seeds import rng_for
from ownmark.runner.store import Contents

LANDSCAPE_VERSION = 1
_BATCH = 128

Weights = dict[str, Tensor]


def direction(moves: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> Weights:
    """A direction of the weights' own length: d / ||d|| * ||theta||, all parameters as one vector (Eq. 7)."""

    def length(tensors: Mapping[str, Tensor]) -> Tensor:
        found: Tensor = torch.linalg.vector_norm(
            torch.stack([torch.linalg.vector_norm(t) for t in tensors.values()])
        )
        return found

    factor = length(weights) / length(moves).clamp(min=1e-12)
    return {name: move * factor for name, move in moves.items()}


def steepest(network: nn.Module, key: Key, weights: Mapping[str, Tensor]) -> Weights | None:
    """Gradient of the cross entropy of the key's triggers, in eval mode; None if the key holds none."""
    if not {"triggers", "labels"} <= set(key.tensors):
        return None
    answers = network.eval()(key["triggers"]).float()
    loss = F.cross_entropy(answers, key["labels"].to(answers.device))
    slopes = torch.autograd.grad(loss, list(network.parameters()), allow_unused=True)
    return {
        name: torch.zeros_like(w) if g is None else g
        for (name, w), g in zip(weights.items(), slopes, strict=True)
    }


def wandering(weights: Mapping[str, Tensor], rng: torch.Generator) -> Weights:
    """A random direction."""
    return {name: torch.randn(w.shape, generator=rng).to(w) for name, w in weights.items()}


def axis(reach: float, points: int) -> list[float]:
    """Coordinates from 0 to `reach`."""
    return [reach * i / (points - 1) for i in range(points)]


def neighbours(
    network: nn.Module, first: Mapping[str, Tensor], second: Mapping[str, Tensor],
    axes: tuple[list[float], list[float]], x: Tensor,
) -> Iterator[nn.Module]:  # fmt: skip
    """The networks at theta + a d1 + b d2, b running faster, with BatchNorm measured on x: one object, changed."""
    start = {name: value.detach().clone() for name, value in network.named_parameters()}
    for a in axes[0]:
        for b in axes[1]:
            with torch.no_grad():
                for name, value in network.named_parameters():
                    value.copy_(start[name] + a * first[name] + b * second[name])
            yield remeasure(network, x)


class Landscapes:
    """Nodes of the vicinities that a plan asks for."""

    def __init__(self, making: Making, reading: Reading) -> None:
        self._making = making
        self._reading = reading
        self._rule: Landscape | None = making.plan.landscape

    def nodes(self, cell: Cell) -> dict[str, Node]:
        """Stage `landscape` of an unattacked cell of the plan's first seed; none where the plan asks for none."""
        wanted = self._rule is not None and cell.attack is None and cell.extractor is None
        return {"landscape": self._node(cell)} if wanted and cell.seed == self._making.plan.seeds[0] else {}

    @once(lambda cell: (cell.task, cell.scheme, cell.seed))
    def _node(self, cell: Cell) -> Node:
        marked, utility = self._making.marked(cell), self._reading.utility_metric(cell.task)
        extractor = self._making.methods.extractor_of(cell.scheme, None)
        about = {
            "marked": marked.digest, "extractor": extractor.identity, "rule": to_plain(self._rule),
            "utility": utility.identity, "seed": cell.seed, "version": LANDSCAPE_VERSION,
        }  # fmt: skip
        return Node(
            "landscape",
            f"{cell.task.label} {cell.scheme.label}",
            about,
            lambda bench: self._surveyed(cell, bench),
            (marked,),
        )

    def _surveyed(self, cell: Cell, bench: Bench) -> Contents:
        rule, making = self._rule, self._making
        assert rule is not None
        network, key, splits = (
            making.marked_network(cell),
            making.key(cell),
            making.tasks.splits(cell.task.dataset),
        )
        samples = splits.pool if len(splits.pool) > 1 else splits.owner
        weights = {name: value.detach().clone() for name, value in network.named_parameters()}
        tuned = self._tuned(cell, network, samples, bench)
        moved = {name: value.detach() - weights[name] for name, value in tuned.named_parameters()}
        slopes = steepest(network, key, weights)
        first = direction(slopes or wandering(weights, rng_for("landscape", cell.seed)), weights)
        second = direction(moved, weights)
        axes = (axis(rule.adversarial, rule.points), axis(rule.finetuning, rule.points))
        values: dict[str, Any] = {"rate": [], "utility": []}
        with torch.no_grad():
            asked = making.tasks.questions(cell.task, samples.first(rule.images))
            for near in neighbours(network, first, second, axes, asked):
                rate, utility = self._at(cell, near, key)
                values["rate"].append(rate)
                values["utility"].append(utility)
        size = _size(moved) / _size(weights)
        return Contents({
            **{name: _rows(found, rule.points) for name, found in values.items()},
            "adversarial": axes[0], "finetuning": axes[1], "tuned": size,
            "direction": "random" if slopes is None else "adversarial",
        })  # fmt: skip

    def _tuned(self, cell: Cell, network: nn.Module, samples: Samples, bench: Bench) -> nn.Module:
        """The marked network after about `steps` steps of fine-tuning."""
        rule = self._rule
        assert rule is not None
        an_epoch = -(-len(samples) // _BATCH)
        recipe = Recipe(
            epochs=max(1, round(rule.steps / an_epoch)), batch_size=_BATCH, lr=rule.lr, weight_decay=0.0,
            schedule="constant", augment="none", channels_last=False,
        )  # fmt: skip
        host = self._making.methods.get(Kind.HOST, cell.task.host).instance
        fit = bench.fitter(rng_for("landscape fit", cell.seed))
        return fit(copy.deepcopy(network), samples, recipe, terms=tuple(host.terms()))

    def _at(self, cell: Cell, network: nn.Module, key: Key) -> tuple[float | None, float | None]:
        """Evidence and utility of one network: fresh triggers where the extractor has them, else what it reads."""
        rule, test = self._rule, self._making.tasks.splits(cell.task.dataset).test
        assert rule is not None
        test = test.select(torch.arange(min(rule.images, len(test))))
        extractor = self._making.methods.extractor_of(cell.scheme, None)
        view = self._reading.view(replace(cell, extractor=None), network)
        fresh = extractor.instance.measure(view, key, test).get("wsr")
        own = self._making.marked_network(cell) if extractor.needs(Need.OWN_COPY) else None
        found: Evidence | None = None if fresh else extractor.instance.extract(view, key, own)
        rate = fresh.value if fresh else found.rate if found else None
        metric = self._reading.utility_metric(cell.task)
        utility = measured(metric, Asked(self._making, cell.task, lambda: network, test).feeds)
        return rate, utility["value"]


def _size(tensors: Mapping[str, Tensor]) -> float:
    return float(
        torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(t) for t in tensors.values()]))
    )


def _rows(values: list[Any], width: int) -> list[list[Any]]:
    """A list as rows of `width`: by the first coordinate, then by the second."""
    return [values[i : i + width] for i in range(0, len(values), width)]
