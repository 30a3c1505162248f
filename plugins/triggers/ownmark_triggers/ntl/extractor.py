"""Reads non-transferable learning: which images does the suspect know clean, and not with the pattern?

The paper's mark is the error rate on patched images. Guessing has one of 1 - 1/C, so an image counts only if the
suspect knows it without the pattern, and with a foreign pattern of other signs: whoever is accurate on all, or fails on
everything strange, has no mark. Keys without a foreign pattern (the paper's, and older ones) are read without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ownmark.contracts import BlackBox, Evidence, Extractor, Key, Measured, Samples
from ownmark_triggers.stamps import stamp
from ownmark_triggers.triggers.extractor import matches


def evidence(clean: Tensor, patched: Tensor, foreign: Tensor | None = None) -> Evidence:
    """Of whether images [N] are known clean, with the key's pattern, and with a foreign one.

    Extras: accuracy `clean` and with the `foreign` pattern, `error` with the key's.
    """
    n = len(clean)
    extras = {"clean": int(clean.sum()) / n, "error": int((~patched).sum()) / n}
    shows = clean & ~patched
    if foreign is not None:
        extras["foreign"] = int(foreign.sum()) / n
        shows = shows & foreign
    return Evidence(shows, symbol="label", extras=extras)


def views(key: Key) -> list[Tensor]:
    """The key's images [N, C, H, W] as asked: clean, with its pattern, and with a foreign one if it has one."""
    asked = [key["images"], key["triggers"]]
    return [*asked, stamp(key["images"], key["foreign"])] if "foreign" in key.tensors else asked


class NtlExtractor(Extractor):
    """Known clean and with a foreign pattern, unknown with the key's. 3N queries, 2N without a foreign one."""

    def extract(self, suspect: BlackBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """Ask for the labels of the key's images, clean and with patterns."""
        return self.extract_many(suspect, [key], own)[0]

    def extract_many(
        self, suspect: BlackBox, keys: Sequence[Key], own: nn.Module | None = None
    ) -> list[Evidence]:
        """The same for several keys, their images in one pass."""
        if not keys:
            return []
        asked = [views(key) for key in keys]
        labels = [key["labels"].repeat(len(parts)) for key, parts in zip(keys, asked, strict=True)]
        found = matches(suspect, torch.cat([x for parts in asked for x in parts]), torch.cat(labels))
        each = torch.split(found, [len(one) for one in labels])
        return [evidence(*one.chunk(len(parts))) for one, parts in zip(each, asked, strict=True)]

    def measure(self, suspect: BlackBox, key: Key, test: Samples) -> Mapping[str, Measured]:  # type: ignore[override]
        """`wsr`: error rate on patched test images, the APP paper's figure."""
        wrong = ~matches(suspect, stamp(test.x, key["pattern"]), test.labels)
        return {"wsr": Measured(int(wrong.sum()), len(wrong))}
