"""Reads Uchida's message: bit = (X w-bar > 0)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ownmark.contracts import Evidence, Extractor, Key, WhiteBox
from ownmark.errors import Unreadable
from ownmark_whitebox.message import text_of
from ownmark_whitebox.uchida.message import mean_filter, project
from ownmark_whitebox.uchida.scheme import completed


def read(weight: Tensor, projection: Tensor, average: str = "outputs") -> Tensor:
    """Message bits: [out, in, ...] and [T, M] -> bool [T]; a projection of exactly zero reads as 0."""
    return project(weight, projection, average) > 0


class UchidaExtractor(Extractor):
    """White box. On unmarked networks bits match independently with probability 1/2, as X is Gaussian."""

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """Compare the bits of the key's layer with the message.

        Raises:
            Unreadable: the suspect has no such layer, or one of another shape.
        """
        key = completed(key, suspect.network)
        bits = _read_from(suspect.network, key)
        matches = bits == key["bits"].bool().to(bits.device)
        extras = {"text": text_of(bits)} if key.values["text"] else {}
        return Evidence(matches.cpu(), chance=0.5, symbol="bit", extras=extras)


def _read_from(network: nn.Module, key: Key) -> Tensor:
    layer = key.values["layer"]
    weight = getattr(dict(network.named_modules()).get(layer), "weight", None)
    if not isinstance(weight, Tensor):
        raise Unreadable(f"the suspect has no layer {layer!r}, which carries the mark")
    average, expected = key.values["average"], key["projection"].shape[1]
    found = mean_filter(weight.detach(), average).numel() if weight.ndim > 1 else 0
    if found != expected:
        raise Unreadable(f"layer {layer!r} has a mean filter of {found} values, the key expects {expected}")
    if not bool(torch.isfinite(weight).all()):
        raise Unreadable(f"layer {layer!r} holds values that are no numbers")
    with torch.no_grad():
        return read(weight, key["projection"], average)
