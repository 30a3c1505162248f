"""Everything that the command line does, on live objects: modules, loaders, tensors.

    mark = ownmark.mark(model, (images, labels), scheme="adi")
    mark.released                 the marked copy, of your class
    mark.verify(suspect)          a module, a function, a file, an address
    mark.save("my-mark")          what `ownmark verify` reads
    ownmark.load("my-mark").verify("suspect.pt")

The same stages compute it as for plans; live objects are lent to them under names, see `held`.
"""

from ownmark.api.attacking import attack
from ownmark.api.marking import load, mark
from ownmark.api.results import Attacked, Mark, Study, Verdict
from ownmark.api.studying import study
from ownmark.api.verifying import verify

__all__ = ["Attacked", "Mark", "Study", "Verdict", "attack", "load", "mark", "study", "verify"]
