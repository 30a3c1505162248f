"""Parameters of RIGA; defaults are those of the authors' code unless said otherwise."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ownmark.config import Count, NonNegative, Positive, Rate, Whole, configuration
from ownmark_whitebox.config import LayerName, MessageConfig, StartConfig


@configuration
class RigaConfig(MessageConfig, StartConfig):
    """What is written where, and how the three networks play."""

    layer: LayerName = ""
    """Name of a convolution (its filters are averaged) or linear layer (taken whole); `auto` (or empty) takes the
    convolution with the most inputs a filter among those that read neither the image nor a single position (gates)."""
    strength: NonNegative = 0.05
    """Lambda 1, the weight of the message's cross entropy, summed over bits."""
    hiding: NonNegative = 0.1
    """Lambda 2, the weight of the detector's score (default of the authors' class; their script has 0)."""
    hidden: Count = 256
    """Hidden units of the extractor (CelebA)."""
    detector_hidden: Count = 512
    """Hidden units of the detector."""
    extractor_steps: Count = 20
    """Updates of the extractor before each epoch."""
    detector_steps: Whole = 5
    """Updates of the detector before each epoch."""
    extractor_lr: Rate = 5e-5
    """Rate of the extractor's RMSprop; a training of a few hundred steps needs ten times more."""
    detector_lr: Rate = 5e-5
    """Rate of the detector's RMSprop."""
    clip: Positive = 0.1
    """Largest magnitude of the detector's weights (Wasserstein critic)."""
    batch: Count = 100
    """References drawn for each update."""
    references: int = Field(default=32, ge=4, le=1_000_000)
    """Unmarked networks (authors: 60 and 500). Extractor and detector are trained against three quarters of them; the
    rest tell what the extractor reads out of networks it has not seen."""
    coins: Literal["fixed", "fresh"] = "fixed"
    """The bits that references must answer: drawn once for each, or anew at each update (authors). Fresh ones teach the
    extractor to answer nothing, and then what it learnt of the message shows everywhere."""
    reference_epochs: Whole | None = None
    """Epochs that each of them is trained. None: 1 for a mark from scratch, a third of the host's for a trained host,
    as an extractor that has seen beginners only takes the signs of long training for the message. As many as the
    host's own make hiding meaningful."""
