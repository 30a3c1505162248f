"""Plans of this pack: the APP paper's tables and figures, small and at its scale."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, plans_in
from ownmark_robust.papers import APP

_SUMMARIES = {
    "app-digits": "vanilla and app under fine-tuning, with their landscapes; digits, a minute",
    "app-table1-small": "Table 1, Content, six attacks, landscapes; cifar10-small, thin ResNet; needs OWNMARK_DATA",
    "app-table3-small": "Table 3, the parts of app, on the same; needs OWNMARK_DATA",
    "app-controls-small": "fine-tuning with each attack's budget, on the same; needs OWNMARK_DATA",
    "app-table7-small": "Table 7 and Figure 5, the length of the perturbation, on the same; needs OWNMARK_DATA",
}


@hookimpl
def ownmark_plans() -> Iterable[Declaration]:
    """The plans."""
    return plans_in(__name__, _SUMMARIES, APP)
