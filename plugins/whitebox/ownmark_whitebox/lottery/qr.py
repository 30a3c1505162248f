"""QR codes as matrices: made by segno, which only the owner needs."""

from __future__ import annotations

import segno
import torch
from torch import Tensor

from ownmark.errors import NotApplicable


def size_of(version: int) -> int:
    """Modules a side."""
    return 17 + 4 * version


def make_code(text: str, version: int, error: str) -> Tensor:
    """The code without its border: uint8 [S, S], 1 for white.

    Raises:
        NotApplicable: the text does not fit.
    """
    try:
        code = segno.make_qr(text, error=error, version=version, boost_error=False)
    except segno.DataOverflowError as overflow:
        raise NotApplicable(
            f"a message of {len(text.encode())} bytes does not fit into a QR code of version {version} at level "
            f"{error}; shorten it, raise `version` (needs wider layers) or lower `error`"
        ) from overflow
    return 1 - torch.tensor([list(row) for row in code.matrix], dtype=torch.uint8)
