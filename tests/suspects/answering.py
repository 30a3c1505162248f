"""Modules, functions and services that answer like a network: the other rows of the table in docs/suspects.md."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
import torch.ao.quantization
from torch import Tensor, nn

from ownmark.contracts import outputs

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LABELS = {"labels": NAMES}


class Wrapped(nn.Module):
    """The network in a structure that the mark does not know, answering with more than scores."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.body, self.extra = inner, nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Any:
        return SimpleNamespace(logits=self.body(x), loss=None)


def scores(net: nn.Module, x: Tensor) -> Tensor:
    return outputs(net, x).softmax(1)


def labels(net: nn.Module, x: Tensor) -> list[int]:
    return [int(label) for label in scores(net, x).argmax(1)]


def ranked(net: nn.Module, x: Tensor) -> list[list[dict[str, Any]]]:
    def three(row: Tensor) -> list[dict[str, Any]]:
        return [
            {"label": NAMES[k], "score": float(row[k])} for k in row.argsort(descending=True)[:3].tolist()
        ]

    return [three(row) for row in scores(net, x)]


def broken(x: Tensor) -> Any:
    raise RuntimeError("out of memory")


Make = Callable[[nn.Module], Any]


def in_bytes(network: nn.Module) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made: nn.Module = torch.ao.quantization.quantize_dynamic(network, {nn.Linear}, dtype=torch.qint8)
    return made


LIVE: dict[str, tuple[Make, dict[str, Any]]] = {
    "a module": (lambda n: n.eval(), {}),
    "a module in train mode": (lambda n: n.train(), {}),
    "a module in DataParallel": (nn.DataParallel, {}),
    "a module with its head in int8, by torch": (in_bytes, {}),
    "a module of another structure, with a ModelOutput": (Wrapped, {}),
    "a function: scores": (lambda n: lambda x: scores(n, x), {}),
    "a function: an array of numpy": (lambda n: lambda x: scores(n, x).numpy(), {}),
    "a function: nested lists": (lambda n: lambda x: scores(n, x).tolist(), {}),
    "a function: labels": (lambda n: lambda x: labels(n, x), {}),
    "a function: a dictionary with `logits`": (
        lambda n: lambda x: {"loss": None, "logits": outputs(n, x)},
        {},
    ),
    "a function: a tuple of scores and more": (lambda n: lambda x: (scores(n, x), torch.zeros(3)), {}),
    "a function: names of labels, with `labels`": (
        lambda n: lambda x: [NAMES[k] for k in labels(n, x)],
        LABELS,
    ),
    "a function: `[{label, score}]`, the best three": (lambda n: lambda x: ranked(n, x), LABELS),
    "a function: names of labels, and no list of them": (
        lambda n: lambda x: [NAMES[k] for k in labels(n, x)],
        {},
    ),
    "a function that calls the classes otherwise": (
        lambda n: lambda x: [(k + 3) % 10 for k in labels(n, x)],
        {},
    ),
    "a function that wants pixels from 0 to 255": (lambda n: lambda x: scores(n, x / 255), {}),
    "a function that says the same to everything": (lambda n: lambda x: [3] * len(x), {}),
    "a function that breaks off": (lambda n: broken, {}),
    "a function that gives text": (lambda n: lambda x: "three", {}),
}
