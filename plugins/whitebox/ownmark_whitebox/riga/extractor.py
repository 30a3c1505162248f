"""Reads RIGA: bit = (E(w) > 0), with the extractor network that the key holds."""

from __future__ import annotations

from torch import nn

from ownmark.contracts import Evidence, Extractor, Key, WhiteBox
from ownmark.errors import NotApplicable
from ownmark_whitebox.layers import suspect_weight
from ownmark_whitebox.message import text_of
from ownmark_whitebox.riga.networks import carrier, respond


class RigaExtractor(Extractor):
    """White box. The extractor saw the message while it was trained, so only null models tell what chance is."""

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """Compare what the extractor network reads with the message.

        Raises:
            NotApplicable: the key never went through `embed`.
            Unreadable: the suspect has no such layer, or one of another shape.
        """
        if "scale" not in key.values:
            raise NotApplicable("this key holds no extractor network; RIGA's is born while embedding")
        weight = suspect_weight(suspect.network, key.values["layer"], key.values["shape"])
        network = {
            n.removeprefix("extractor."): t.to(weight.device) for n, t in key.tensors.items() if "." in n
        }
        bits = respond(network, key.values["scale"] * carrier(weight)) > 0
        extras = {"text": text_of(bits)} if key.values["text"] else {}
        return Evidence(
            (bits == key["bits"].bool().to(bits.device)).cpu(), chance=None, symbol="bit", extras=extras
        )
