"""Keep reset units dead while a network is retrained. Imported with Lightning, so only when something is held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
from torch import Tensor

from ownmark_laundering.resetting import reset
from ownmark_laundering.units import Site


class Hold(pl.Callback):
    """Resets the same units again after every step, weight decay and momentum notwithstanding.

    Args:
        dead: sites with their units to hold, bool [units]. fill: what they are reset to.
    """

    def __init__(self, dead: Sequence[tuple[Site, Tensor]], fill: str = "zero") -> None:
        self._dead = tuple(dead)
        self._fill = fill

    def on_train_batch_end(self, *_: Any) -> None:
        """Zero what the step revived."""
        for site, units in self._dead:
            reset(site, units, silence=True, fill=self._fill)
