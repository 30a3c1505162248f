"""Reads Greedy Residuals: bit = (residual > 0), against the hash of a signature that verifies."""

from __future__ import annotations

from torch import nn

from ownmark.contracts import Evidence, Extractor, Key, WhiteBox
from ownmark_whitebox.greedy_residuals.identity import verify_signature
from ownmark_whitebox.greedy_residuals.scheme import completed, message_of, read, signature_of
from ownmark_whitebox.layers import suspect_weight


class GreedyResidualsExtractor(Extractor):
    """White box. The hash of a fresh signature is independent of the network, so a bit matches by chance with 1/2."""

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """Compare the signs of the residuals with the hash; a signature that does not verify matches nowhere.

        Extras: `signature` says whether it verifies, `hash` whether all bits agree (the paper's own criterion).

        Raises:
            Unreadable: the suspect has no such layer, or one of another shape.
        """
        key = completed(key, suspect.network)
        weight = suspect_weight(suspect.network, key.values["layer"], key.values["shape"])
        equal = (read(weight, key) > 0).cpu() == message_of(key).bool()
        valid = verify_signature(key.values["public_key"], key.values["assertion"], signature_of(key))
        extras = {
            "signature": "valid" if valid else "invalid",
            "hash": "equal" if bool(equal.all()) else "different",
        }
        return Evidence(equal & valid, chance=0.5, symbol="bit", extras=extras)
