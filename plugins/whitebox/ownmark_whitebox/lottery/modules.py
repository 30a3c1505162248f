"""What both sides know of a QR code's modules: [S, S], 1 (or True) for white."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

BORDER, PIXELS = 4, 4
"""White modules around a picture, and pixels a module: what scanners ask for."""


def function_modules(size: int) -> Tensor:
    """Finder, timing and alignment patterns with the format bits beside them, in versions 1 to 6: bool [S, S].

    As the authors have it: three corners of 9 x 9, the alignment pattern of 5 x 5, row and column 6. 290 of the 841
    modules of version 3.
    """
    fixed = torch.zeros(size, size, dtype=torch.bool)
    fixed[:9, :9] = fixed[:9, -9:] = fixed[-9:, :9] = True
    fixed[6, :] = fixed[:, 6] = True
    if size > 21:
        fixed[-9:-4, -9:-4] = True
    return fixed


def restored(read: Tensor, code: Tensor) -> Tensor:
    """What was read, with the function modules as they must be. bool [S, S], uint8 [S, S] -> bool [S, S]."""
    return torch.where(function_modules(len(code)).to(read.device), code.bool().to(read.device), read)


def picture(modules: Tensor) -> Tensor:
    """Pixels of a code with its border: [S, S] -> float32 [1, P, P] in [0, 1], P = (S + 8) x 4."""
    framed = F.pad(modules.float(), (BORDER,) * 4, value=1.0)
    return framed.repeat_interleave(PIXELS, 0).repeat_interleave(PIXELS, 1)[None]
