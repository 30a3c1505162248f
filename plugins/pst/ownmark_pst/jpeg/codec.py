"""JPEG without the file: what an image looks like after being compressed and read back, batched on the device.

Source: ITU-T T.81, Annex K, with libjpeg's conventions: quality scaling, 4:2:0 chroma averaged on the way in and
interpolated on the way out, borders repeated. Arithmetic is floating point, so a grey level may differ by one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ownmark_pst.shared import from_ycc, quantised, to_ycc

LUMA = torch.tensor(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
"""Table K.1."""
CHROMA = torch.full((8, 8), 99)
CHROMA[:4, :4] = torch.tensor([[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]])
"""Table K.2."""


def scaled(table: Tensor, quality: int) -> Tensor:
    """The table at a quality of 1 to 100, as libjpeg scales it; integers of 1 to 255."""
    factor = 5000 // quality if quality < 50 else 200 - 2 * quality
    return ((table * factor + 50) // 100).clamp(1, 255)


def coded(x: Tensor, luma: Tensor, chroma: Tensor, subsample: bool = False) -> Tensor:
    """Images through the coder and back.

    Args:
        x: [N, C, H, W] in [0, 1]; three channels are RGB, any others are coded each by itself as luma.
        luma, chroma: [8, 8] quantisation steps in grey levels. subsample: chroma at half the resolution (4:2:0).
        Returns: [N, C, H, W] in [0, 1], whole grey levels.
    """
    planes = to_ycc((x * 255).round())
    if x.shape[1] != 3:
        return _levels(quantised(planes - 128, luma) + 128)
    brightness = quantised(planes[:, :1].round() - 128, luma) + 128
    colour = planes[:, 1:].round()
    colour = _halved(colour, chroma) if subsample else quantised(colour, chroma)
    return _levels(from_ycc(torch.cat([brightness.round(), colour.round()], dim=1)))


def jpeg(x: Tensor, quality: int, subsample: bool = True) -> Tensor:
    """Images after JPEG compression at a quality of 1 to 100. x: [N, C, H, W] in [0, 1]."""
    return coded(x, scaled(LUMA, quality), scaled(CHROMA, quality), subsample)


def _halved(colour: Tensor, table: Tensor) -> Tensor:
    """Averaged over 2 x 2 pixels, coded, and interpolated back; libjpeg repeats columns before it averages."""
    height, width = colour.shape[2:]
    wide = F.pad(colour, (0, -width % 16, 0, height % 2), mode="replicate")
    small = quantised(F.avg_pool2d(wide, 2).round(), table).round()
    small = small[..., : -(-height // 2), : -(-width // 2)]
    large = F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)
    return large[..., :height, :width]


def _levels(x: Tensor) -> Tensor:
    return x.round().clamp(0, 255) / 255
