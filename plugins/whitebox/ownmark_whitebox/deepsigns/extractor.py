"""Reads DeepSigns: bit = (A mean h(x) > 0) over the key images."""

from __future__ import annotations

import torch
from torch import nn

from ownmark.contracts import Evidence, Extractor, Key, WhiteBox
from ownmark.errors import Unreadable
from ownmark_whitebox.deepsigns.scheme import class_means, completed, project
from ownmark_whitebox.message import text_of


class DeepSignsExtractor(Extractor):
    """White box. A is Gaussian with a row for each bit, so a fresh key's bits match by chance with 1/2 each."""

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """Compare the bits of the mean activations with the message.

        Raises:
            Unreadable: the suspect has no such layer, or one of another width.
        """
        key = completed(key, suspect.network)
        layer = key.values["layer"]
        if layer not in dict(suspect.network.named_modules()):
            raise Unreadable(f"the suspect has no layer {layer!r}, which carries the mark")
        try:
            means = class_means(suspect.network, key)
        except RuntimeError as error:
            raise Unreadable(f"the suspect does not run on the key's images: {error}") from error
        if means.shape[1] != key["projection"].shape[1]:
            expected = key["projection"].shape[1]
            raise Unreadable(f"layer {layer!r} gives {means.shape[1]} values, the key expects {expected}")
        if not bool(torch.isfinite(means).all()):
            raise Unreadable(f"layer {layer!r} gives values that are no numbers")
        bits = project(means, key["projection"]) > 0
        extras = {"text": text_of(bits)} if key.values["text"] else {}
        return Evidence(
            (bits == key["bits"].bool().to(bits.device)).cpu(), chance=0.5, symbol="bit", extras=extras
        )
