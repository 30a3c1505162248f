"""Which channels of a network may be permuted, scaled or flipped, and doing it without changing its function.

    groups = analyse(model, example)               # torch.fx trace, once for each architecture
    print(describe(groups))                        # what is allowed where, and why anything is frozen
    change = draw(groups, rng, permute=True, scale=True, flip=True)
    suspect = apply(model, groups, change)         # a tested deep copy
    truth = ground_truth(groups, change)           # for whoever tries to undo it

Unknown operations freeze what they touch. A third party teaches the engine its own layer with
`grouping.rules.register`. The engine imports nothing of the framework.
"""

from ownmark_invariance.grouping.apply import Truth, apply, ground_truth
from ownmark_invariance.grouping.equivalence import relative_deviation, verify_equivalence
from ownmark_invariance.grouping.errors import CannotTransform, NotEquivalent, Unsupported
from ownmark_invariance.grouping.groups import Group, Groups, Member, analyse
from ownmark_invariance.grouping.report import Row, describe, reasons, rows
from ownmark_invariance.grouping.rules import Call, register
from ownmark_invariance.grouping.transform import Transform, draw

__all__ = [
    "Call",
    "CannotTransform",
    "Group",
    "Groups",
    "Member",
    "NotEquivalent",
    "Row",
    "Transform",
    "Truth",
    "Unsupported",
    "analyse",
    "apply",
    "describe",
    "draw",
    "ground_truth",
    "reasons",
    "register",
    "relative_deviation",
    "rows",
    "verify_equivalence",
]
