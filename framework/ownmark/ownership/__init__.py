"""What an owner does outside of experiments: mark a network, keep the key, ask a suspect whose it is.

`embed` leaves a folder with two parts: `released`, which is given away, and `owner`, which is not. `attack` is what a
thief may do with the first, `verify` what the owner does with the second and a suspect: a weights file, a prediction
service, or any function that answers. `commit` comes before all of them where a judge is to believe the key, `evidence`
and `judge` after. `embed_copies` marks one network for many buyers, `trace` says whose copy a suspect is.
"""

from ownmark.ownership.adding import add_reader
from ownmark.ownership.copies import embed_copies
from ownmark.ownership.deriving import commit
from ownmark.ownership.embedding import embed
from ownmark.ownership.endpoint import Endpoint, Service
from ownmark.ownership.proof import evidence, judge
from ownmark.ownership.stealing import attack
from ownmark.ownership.tracing import trace
from ownmark.ownership.verifying import verify

__all__ = [
    "Endpoint",
    "Service",
    "add_reader",
    "attack",
    "commit",
    "embed",
    "embed_copies",
    "evidence",
    "judge",
    "trace",
    "verify",
]
