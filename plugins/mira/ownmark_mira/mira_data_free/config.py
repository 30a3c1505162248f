"""Parameters of data-free MIRA."""

from __future__ import annotations

from typing import Annotated, Literal

from ownmark.config import configuration
from ownmark.contracts import Recipe, overriding
from ownmark_mira.config import DATA_FREE, PresetConfig, RecoveryConfig, SoftConfig, UnlearningConfig


@configuration
class MiraDataFreeConfig(UnlearningConfig, SoftConfig, PresetConfig, RecoveryConfig):
    """Recovery, detection, split and unlearning."""

    objective: Literal["improved", "soft"] = "improved"
    """`improved`: Equation 6 without its first term, on pictures of the target class alone; `soft`, not in the paper:
    pictures of all classes are held to the stolen network's own answers, as in `mira`."""
    batches: Literal["authors", "mixed"] = "authors"
    """`improved`: a batch of normal-like pictures and one of watermark-like ones side by side in every step, an epoch
    being a pass over the normal-like ones; or batches drawn from both together."""
    recipe: Annotated[Recipe, overriding(DATA_FREE)] = DATA_FREE
    """The unlearning over the recovered pictures; rate .003 (section 6.1)."""
