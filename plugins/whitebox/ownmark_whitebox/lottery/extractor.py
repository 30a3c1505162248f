"""Reads the code: a module is white if its kernel holds any weight; scans it with zxing."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import zxingcpp
from torch import Tensor, nn

from ownmark.contracts import Evidence, Extractor, Key, WhiteBox
from ownmark.errors import NotApplicable
from ownmark_whitebox.layers import suspect_weight
from ownmark_whitebox.lottery.config import LotteryReaderConfig
from ownmark_whitebox.lottery.masks import Place, largest, plane, window
from ownmark_whitebox.lottery.modules import function_modules, picture, restored


def decode(modules: Tensor) -> str | None:
    """The text that a scanner reads out of a code, or None. [S, S], True for white."""
    pixels = (picture(modules)[0].cpu().numpy() * 255).astype("uint8")
    found = zxingcpp.read_barcodes(pixels, formats=zxingcpp.barcode_formats_from_str("QRCode"))
    return next((code.text for code in found if code.valid), None)


def read(weight: Tensor, code: Tensor, place: Place, dense: str) -> Tensor:
    """The modules that a weight draws at a place: [out, in, kh, kw], [S, S] -> bool [S, S], True for white.

    A module is white if its kernel holds a weight that is not zero. Where no kernel is empty, and `dense` says
    `"rank"`, the largest kernels are white, as many as in the code.
    """
    kernels = window(weight, code, place)
    alive = plane(kernels != 0)
    if dense == "rank" and bool(alive.all()):
        return largest(kernels, int(code.sum()))
    return alive


class LotteryExtractor(Extractor):
    """White box. What matches by chance depends on how a network's kernels lie, so only null models tell."""

    config: LotteryReaderConfig

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """Compare the free modules with the code's; function modules are those of every code, a thief's included.

        Extras: `decoded` says whether the code, its function modules restored, scans to the message; `text` what it
        scans to; `all modules right` is the share of matches with the function modules (papers); `kernels alive` is
        the share of kernels in the window that are not empty (1: a dense network).

        Raises:
            NotApplicable: the key never went through `embed`.
            Unreadable: the suspect has no such layer, or one of another shape.
        """
        code, weight, found = self._found(suspect, key)
        matches = found == code.bool()
        free = matches[~function_modules(len(code))]
        text = decode(restored(found, code))
        extras: dict[str, float | str] = {
            "decoded": "yes" if text == key.values["text"] else "no",
            "text": text or "",
            "all modules right": float(matches.float().mean()),
            "kernels alive": float(plane(window(weight != 0, code, key.values["place"])).float().mean()),
        }
        return Evidence(free, chance=None, symbol="bit", extras=extras)

    def exhibits(self, suspect: WhiteBox, key: Key) -> Mapping[str, Tensor]:  # type: ignore[override]
        """The code as it should be, and the modules as they were read (Fig. 5 of the invariance paper)."""
        code, _, found = self._found(suspect, key)
        return {"code expected and read": torch.stack([picture(code), picture(found)])}

    def _found(self, suspect: WhiteBox, key: Key) -> tuple[Tensor, Tensor, Tensor]:
        """Code [S, S], the layer's weight, and the modules found in it: bool [S, S]."""
        if "place" not in key.values:
            raise NotApplicable("this key does not say where the code is; its place is found while embedding")
        code = key["code"].cpu()
        weight = suspect_weight(suspect.network, key.values["layer"], key.values["shape"])
        return code, weight, read(weight.cpu(), code, key.values["place"], self.config.dense)
