"""The folders of a mark: what is in them, how it is written, how it is read back.

    my-mark/released/  model.safetensors  model.json                     to be given away
    my-mark/owner/     key.safetensors  controls.safetensors  claim.json  never
                       images.safetensors, where these are nowhere else

Folders appear whole: they are written under another name and renamed.
"""

from ownmark.ownership.folder.claim import Claim
from ownmark.ownership.folder.images import IMAGES, write_images
from ownmark.ownership.folder.places import inside
from ownmark.ownership.folder.release import Release, Step, model_state
from ownmark.ownership.folder.structure import Structure
from ownmark.scratch import appearing, require_vacant

__all__ = [
    "IMAGES",
    "Claim",
    "Release",
    "Step",
    "Structure",
    "appearing",
    "inside",
    "model_state",
    "require_vacant",
    "write_images",
]
