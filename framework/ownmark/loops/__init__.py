"""The one training loop: Lightning's Trainer around a module that takes loss terms.

Nothing here imports Lightning until a network is trained.
"""

from ownmark.loops.augment import crop, mirror
from ownmark.loops.fit import Fitter
from ownmark.loops.schedule import rate_factor

__all__ = ["Fitter", "crop", "mirror", "rate_factor"]
