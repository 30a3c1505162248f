"""`verify`: ask a mark whose a suspect is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from ownmark.api.marking import load
from ownmark.api.results import Mark, Verdict


def verify(
    mark: Mark | str | Path,
    suspect: Any,
    *,
    network: nn.Module | Callable[[], nn.Module] | None = None,
    **options: Any,
) -> Verdict:
    """The verdict on a suspect.

    Args:
        mark: as `mark` returned it, or the folder of one, which is taken for the caller's own.
        suspect: a module, a function of images, a file of weights, a folder, an address or a `Service`.
        network: the owner's class, where the folder cannot name it.
        options: `reader`, `rate`, `budget`, `labels`, `device`: as for `ownmark.ownership.verify`.
    """
    own = mark if isinstance(mark, Mark) else load(mark, network)
    return own.verify(suspect, **options)
