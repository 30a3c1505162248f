"""A message in the signs of the last layer's weights: marked at once, without training."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ownmark.contracts import (
    BlackBox,
    Evidence,
    Extractor,
    Fit,
    HostView,
    Key,
    Marked,
    Scheme,
    Task,
    WhiteBox,
)
from ownmark.errors import NotApplicable


def weights(network: nn.Module) -> Tensor:
    """The last layer's weights, flat."""
    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    return layers[-1].weight.data.flatten()


class Signs(Scheme):
    """Writes random bits."""

    def check(self, network: nn.Module, task: Task) -> None:
        """The message must fit."""
        if self.config.bits > len(weights(network)):
            raise NotApplicable(f"{self.config.bits} bits do not fit into {len(weights(network))} weights")

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Random bits."""
        return Key("signs", {"bits": torch.randint(2, (self.config.bits,), generator=rng)}, {"pair": (1, 2)})

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Give the first weights the message's signs."""
        network = host.trained()
        flat = weights(network)
        signs = key["bits"].to(flat) * 2 - 1
        flat[: len(signs)] = flat[: len(signs)].abs().clamp(min=1e-4) * signs
        exhibits: dict[str, Any] = {
            "first": task.owner.x[:2],
            "flat": torch.zeros(3),
            "note": "written",
            "share": 0.5,
        }
        return Marked(network, key, exhibits)


class Faulty(Signs):
    """Its check has a bug."""

    def check(self, network: nn.Module, task: Task) -> None:
        """Break off."""
        raise TypeError("unsupported operand")


class ReadSigns(Extractor):
    """White box."""

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """Compare signs."""
        bits = weights(suspect.network)[: len(key["bits"])] > 0
        return Evidence(
            (bits == key["bits"].bool().to(bits.device)).cpu(), chance=0.5, extras={"nan": float("nan")}
        )


class ReadAnswers(Extractor):
    """Black box: the parity of the answers to noise; no mark at all, but a reading."""

    def extract(self, suspect: BlackBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """Compare parities."""
        draw = torch.Generator().manual_seed(0)
        bits = suspect.predict(torch.rand(len(key["bits"]), 1, 8, 8, generator=draw)).cpu() % 2
        return Evidence(bits == key["bits"].cpu(), symbol="label")

    def exhibits(self, suspect: BlackBox, key: Key) -> dict[str, Tensor]:  # type: ignore[override]
        """A ramp, which is an input, and a square, which is none."""
        ramp = torch.linspace(0, 1, 8)[:, None].expand(1, 1, 8, 8)
        return {"ramp": ramp, "square": torch.zeros(1, 1, 4, 4)}
