"""Reads a trigger mark: does the suspect give the key's labels to the key's inputs?

Two different things are called watermark accuracy. Evidence is *trained-key accuracy*: the very triggers that
were embedded. `measure` gives the *held-out success rate* `wsr`: fresh triggers, made from test images whose
true label is not the target. An attack can kill one and leave the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ownmark.contracts import BlackBox, Evidence, Extractor, Key, Measured, Samples
from ownmark_triggers.stamps import fresh

SHOWN = 8
"""Triggers that a report shows."""


def matches(suspect: BlackBox, x: Tensor, labels: Tensor) -> Tensor:
    """Bool [N] on the CPU: the suspect labels input [N, C, H, W] as `labels` [N] say."""
    return suspect.predict(x).cpu() == labels.cpu()


class Triggers(Extractor):
    """Any key with tensors `triggers` [N, C, H, W] and `labels` [N].

    A scheme with independent random labels puts `chance` (1 / classes) among the key's values. A fixed label
    has none: unmarked networks may favour it by far, which only null models can tell.
    """

    def extract(self, suspect: BlackBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """Trained-key accuracy; N queries."""
        return self.extract_many(suspect, [key], own)[0]

    def extract_many(
        self, suspect: BlackBox, keys: Sequence[Key], own: nn.Module | None = None
    ) -> list[Evidence]:
        """The same for several keys, their triggers in one pass."""
        if not keys:
            return []
        x, labels = (torch.cat([key[name] for key in keys]) for name in ("triggers", "labels"))
        found = torch.split(matches(suspect, x, labels), [len(key["labels"]) for key in keys])
        return [
            Evidence(part, chance=key.values.get("chance"), symbol="label")
            for part, key in zip(found, keys, strict=True)
        ]

    def part(self, key: Key, start: int, stop: int) -> Key | None:
        """The triggers of these positions with their labels."""
        return key.add({name: key[name][start:stop] for name in ("triggers", "labels")})

    def measure(self, suspect: BlackBox, key: Key, test: Samples) -> Mapping[str, Measured]:  # type: ignore[override]
        """`wsr`: success rate of fresh triggers; nothing if the key cannot make any."""
        triggers = fresh(key, test)
        if triggers is None:
            return {}
        found = matches(suspect, triggers.x, triggers.labels)
        return {"wsr": Measured(int(found.sum()), len(found))}

    def exhibits(self, suspect: BlackBox, key: Key) -> Mapping[str, Tensor]:  # type: ignore[override]
        """The first few triggers."""
        return {"triggers": key["triggers"][:SHOWN].clamp(0, 1)} if key["triggers"].shape[1] in (1, 3) else {}
