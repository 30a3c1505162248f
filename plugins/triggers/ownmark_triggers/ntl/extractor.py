"""Reads non-transferable learning: which images does the suspect know clean, and not with the pattern?

The paper's mark is the error rate on patched images. Guessing has one of 1 - 1/C, so an image counts only if the
suspect knows it without the pattern: a network that is accurate on both, or on neither, has no mark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ownmark.contracts import BlackBox, Evidence, Extractor, Key, Measured, Samples
from ownmark_triggers.stamps import stamp
from ownmark_triggers.triggers.extractor import matches


def evidence(clean: Tensor, patched: Tensor) -> Evidence:
    """Of whether images [N] are known clean and known patched. Extras: accuracy `clean`, `error` on patched ones."""
    n = len(clean)
    extras = {"clean": int(clean.sum()) / n, "error": int((~patched).sum()) / n}
    return Evidence(clean & ~patched, symbol="label", extras=extras)


class NtlExtractor(Extractor):
    """Known clean and unknown patched. 2N queries."""

    def extract(self, suspect: BlackBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """Ask for the labels of the key's images, clean and patched."""
        return self.extract_many(suspect, [key], own)[0]

    def extract_many(
        self, suspect: BlackBox, keys: Sequence[Key], own: nn.Module | None = None
    ) -> list[Evidence]:
        """The same for several keys, their images in one pass."""
        if not keys:
            return []
        x = torch.cat([key[name] for key in keys for name in ("images", "triggers")])
        labels = torch.cat([key["labels"].repeat(2) for key in keys])
        found = torch.split(matches(suspect, x, labels), [2 * len(key["labels"]) for key in keys])
        return [evidence(*one.chunk(2)) for one in found]

    def measure(self, suspect: BlackBox, key: Key, test: Samples) -> Mapping[str, Measured]:  # type: ignore[override]
        """`wsr`: error rate on patched test images, the APP paper's figure."""
        wrong = ~matches(suspect, stamp(test.x, key["pattern"]), test.labels)
        return {"wsr": Measured(int(wrong.sum()), len(wrong))}
