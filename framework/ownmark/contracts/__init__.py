"""What schemes, extractors, attacks, metrics, datasets and hosts are, and what they are shown."""

from ownmark.contracts.attack import Attack
from ownmark.contracts.dataset import Dataset, Images
from ownmark.contracts.duel import Duel
from ownmark.contracts.evidence import Evidence, Measured
from ownmark.contracts.extractor import Extractor
from ownmark.contracts.fit import Fit, Recipe, cross_entropy, overriding
from ownmark.contracts.host import Host
from ownmark.contracts.key import Key
from ownmark.contracts.metric import Metric
from ownmark.contracts.pixels import Pixels
from ownmark.contracts.restoring import restored
from ownmark.contracts.samples import Batch, Samples, Term, Transform, capturable
from ownmark.contracts.scheme import Scheme
from ownmark.contracts.tasks import Form, Goal, Inputs
from ownmark.contracts.views import (
    BlackBox,
    HostView,
    Marked,
    Stolen,
    Suspect,
    Task,
    WhiteBox,
    black_box,
    evaluating,
    outputs,
    predictions,
    seeded,
)

__all__ = [
    "Attack", "Batch", "BlackBox", "Dataset", "Duel", "Evidence", "Extractor", "Fit", "Form", "Goal", "Host",
    "HostView", "Images", "Inputs", "Key", "Marked", "Measured", "Metric", "Pixels", "Recipe", "Samples",
    "Scheme", "Stolen", "Suspect", "Task", "Term", "Transform", "WhiteBox", "black_box", "capturable",
    "cross_entropy", "evaluating", "outputs", "overriding", "predictions", "restored", "seeded",
]  # fmt: skip
