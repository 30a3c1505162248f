"""`verify`: ask a mark whose a suspect is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from ownmark.api.marking import load
from ownmark.api.results import Mark, Verdict
from ownmark.api.speaking import speaking


@speaking
def verify(
    mark: Mark | str | Path,
    suspect: Any,
    *,
    network: nn.Module | Callable[[], nn.Module] | None = None,
    **options: Any,
) -> Verdict:
    """The verdict on a suspect.

    Args:
        mark: as `mark` returned it, or the folder of one; as for `load`, with `trust_mark` for its `trust`.
        suspect: a module, a function of images, a file of weights, a folder, an address or a `Service`.
        network: the owner's class, where the folder cannot name it.
        options: `reader`, `rate`, `budget`, `labels`, `device`, `trust`, `trust_mark`: as for
            `ownmark.ownership.verify`.
    """
    trusted = bool(options.get("trust") or options.get("trust_mark"))
    own = mark if isinstance(mark, Mark) else load(mark, network, trust=trusted)
    return own.verify(suspect, **options)
