"""Reads the code: a module is white if its kernel holds any weight."""

from __future__ import annotations

import zxingcpp
from torch import Tensor, nn

from ownmark.contracts import Evidence, Extractor, Key, WhiteBox
from ownmark.errors import NotApplicable
from ownmark_whitebox.layers import suspect_weight
from ownmark_whitebox.lottery.masks import plane, window
from ownmark_whitebox.lottery.modules import function_modules, picture, restored


def decode(modules: Tensor) -> str | None:
    """The text that a scanner reads out of a code, or None. [S, S], True for white."""
    pixels = (picture(modules)[0].cpu().numpy() * 255).astype("uint8")
    found = zxingcpp.read_barcodes(pixels, formats=zxingcpp.BarcodeFormat.QRCode)
    return next((code.text for code in found if code.valid), None)


class LotteryExtractor(Extractor):
    """White box. What matches by chance depends on how sparse a network is, so only null models tell."""

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """Compare all modules with the code's.

        Extras: `decoded` says whether the code, its function modules restored, scans to the message; `text` what it
        scans to; `free modules right` is the share of matches among the others; `kernels alive` their density.

        Raises:
            NotApplicable: the key never went through `embed`; the suspect has no such layer, or one of another shape.
        """
        if "place" not in key.values:
            raise NotApplicable("this key does not say where the code is; its place is found while embedding")
        code = key["code"].cpu()
        weight = suspect_weight(suspect.network, key.values["layer"], key.values["shape"])
        read = window(plane(weight != 0).cpu(), code, key.values["place"])
        matches = read == code.bool()
        text = decode(restored(read, code))
        extras: dict[str, float | str] = {
            "decoded": "yes" if text == key.values["text"] else "no",
            "text": text or "",
            "free modules right": float(matches[~function_modules(len(code))].float().mean()),
            "kernels alive": float(read.float().mean()),
        }
        return Evidence(matches.flatten(), chance=None, symbol="module", extras=extras)
