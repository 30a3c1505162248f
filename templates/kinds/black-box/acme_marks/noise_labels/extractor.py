"""Reads `noise_labels`."""

from __future__ import annotations

from torch import nn

from ownmark.contracts import BlackBox, Evidence, Extractor, Key


class NoiseLabelsReader(Extractor):
    """Black box. Labels are uniform, so an unmarked network matches one with probability 1/classes."""

    def extract(self, suspect: BlackBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """One query a trigger."""
        found = suspect.predict(key["triggers"]).cpu() == key["labels"].cpu()
        return Evidence(found, chance=1 / key.values["classes"], symbol="label")
