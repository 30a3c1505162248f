"""Checks of packs that were written for older contracts: each change in one sentence, as CONTRIBUTING has them."""

from __future__ import annotations

from collections.abc import Iterator

from ownmark.contracts.restoring import takes_the_task
from ownmark.methods import Kind, Need
from ownmark.testing.check import CheckFailed, Outlived, check
from ownmark.testing.subject import Subject

RESTORE = "write `restore(self, network, state, shape=(0, 0, 0), classes=0)`"
ASK = "query `stolen.box`; `stolen.network` raises `NotApplicable`"
_SINCE = 2
"""The version of the contracts that brought these changes."""
LOGITS = "take the softmax in `update`"
_LOGITS = frozenset({Need.PREDICTIONS, Need.REFERENCE})


def _outdated(subject: Subject) -> Iterator[str]:
    """What the method does as an older version of the contracts had it, whatever version it declares."""
    if subject.declaration.kind in (Kind.SCHEME, Kind.ATTACK) and not takes_the_task(subject.instance):
        yield f"`restore` is told shape and classes: {RESTORE}"


def _changed(subject: Subject) -> Iterator[str]:
    """What has changed for such a method since the version that it declares; it may do so already."""
    declaration = subject.declaration
    if declaration.api < _SINCE and declaration.kind is Kind.ATTACK and Need.BLACK_BOX in declaration.needs:
        yield f"an attack with black-box access is handed answers only: {ASK}"
    if declaration.api < _SINCE and declaration.kind is Kind.METRIC and declaration.needs & _LOGITS:
        yield f"predictions are logits: if you want probabilities, {LOGITS}"


@check(Kind.SCHEME, Kind.ATTACK, Kind.METRIC)
def method_is_written_for_todays_contracts(subject: Subject) -> None:
    """It keeps to the version of the contracts that it declares, and to today's."""
    outdated, api = list(_outdated(subject)), subject.declaration.api
    if outdated and api >= _SINCE:
        raise CheckFailed(f"{subject.label} declares api={api}, in which {'; '.join(outdated)}")
    told = [*outdated, *_changed(subject)]
    if told:
        raise Outlived(
            f"{subject.label} is written for version {api} of the contracts, and goes on working for "
            f"now. Since version {_SINCE} {'; '.join(told)}. Then declare api={_SINCE}"
        )
