"""The one training loop: Lightning's Trainer around a module that takes loss terms; and work in chunks.

Nothing here imports Lightning until a network is trained.
"""

from ownmark.loops.augment import crop, mirror
from ownmark.loops.chunks import in_chunks
from ownmark.loops.fit import Fitter
from ownmark.loops.schedule import rate_factor
from ownmark.loops.statistics import remeasure
from ownmark.loops.together import Parts, fit_together

__all__ = ["Fitter", "Parts", "crop", "fit_together", "in_chunks", "mirror", "rate_factor", "remeasure"]
