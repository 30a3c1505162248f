"""Plans of this pack: every scheme, unattacked, on small tasks."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, plans_in

_SUMMARIES = {
    "triggers-digits": "every scheme on digits, three seeds, 20 null models; for `ownmark audit` too",
    "triggers-cifar": "every scheme on CIFAR-10 (small) with a thin ResNet; needs OWNMARK_DATA",
}


@hookimpl
def ownmark_plans() -> Iterable[Declaration]:
    """The plans."""
    return plans_in(__name__, _SUMMARIES)
