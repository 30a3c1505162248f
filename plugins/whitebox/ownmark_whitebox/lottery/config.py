"""Parameters of the lottery ticket's mark; defaults are those of the authors' code."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ownmark.config import Count, Whole, configuration
from ownmark_whitebox.config import MessageConfig, StartConfig


@configuration
class LotteryConfig(MessageConfig, StartConfig):
    """What the code says, and how the ticket is found. `bits` are written as hexadecimal digits.

    `start: trained` (ours) prunes a dense host once, to what the rounds would leave, and a sparse one not at all; then
    it writes the code and fine-tunes.
    """

    version: int = Field(default=3, ge=1, le=6)
    """Size of the QR code: 17 + 4 x version modules a side, 29 for version 3."""
    error: Literal["L", "M", "Q", "H"] = "H"
    """Level of error correction; H repairs about 30 % of the code words."""
    layer: str = ""
    """Name of a convolution with at least as many inputs and outputs as the code has modules a side; empty tries
    all that read no image, and takes the place that resembles the code most."""
    rate: float = Field(default=0.2, gt=0, lt=1)
    """Share of the remaining weights that each round prunes, the smallest of all inner convolutions."""
    rounds: Count = 15
    """Rounds of pruning; each trains the network once more. 15 rounds at 0.2 leave 3.5 % of the weights."""
    rewind: Whole = 3
    """Weights go back to those after this many epochs of the first training; 0 for the initial ones."""


@configuration
class LotteryReaderConfig:
    """How a network without empty kernels is read."""

    dense: Literal["rank", "white"] = "rank"
    """`rank`: its largest kernels are white, as many as the code has white modules; `white`: all are (authors), which
    makes every dense network match alike, and null models useless."""
