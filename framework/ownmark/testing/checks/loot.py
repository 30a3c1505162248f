"""Checks of attacks: what they work with. A thief has what the threat model grants, and nothing else."""

from __future__ import annotations

from ownmark.errors import OwnmarkError
from ownmark.methods import Kind, Need
from ownmark.testing.check import CheckFailed, check, require
from ownmark.testing.states import listed
from ownmark.testing.subject import Subject

_GRANTS = {
    "nothing": "no images",
    "labels": "labelled images",
    "images": "images without labels",
    "transfer": "unlabelled images of another dataset only",
}


@check(Kind.ATTACK)
def attack_works_with_what_it_needs(subject: Subject) -> None:
    """What the declaration asks for is enough."""
    for grant in subject.attacking.grants:
        try:
            subject.attacking.run(grant) if grant != subject.attacking.grants[0] else subject.attacking.first
        except Exception as error:
            raise CheckFailed(
                f"{subject.label} fails with {_GRANTS[grant]} ({type(error).__name__}: {error}), which its `needs` say "
                "are enough; take `stolen.images()`, or declare what is missing"
            ) from error


def _too_little(subject: Subject) -> None:
    for grant in subject.attacking.shortages:
        try:
            subject.attacking.run(grant)
        except OwnmarkError:
            continue
        except Exception as error:
            raise CheckFailed(
                f"{subject.label} given {_GRANTS[grant]} raises {type(error).__name__} ({error}); raise NotApplicable"
            ) from error
        raise CheckFailed(f"{subject.label} works with {_GRANTS[grant]}; its `needs` ask for more, drop one")


@check(Kind.ATTACK, needs={Need.DATA})
def attack_refuses_to_work_without_images(subject: Subject) -> None:
    """An attack that declares DATA and is given none says so with NotApplicable."""
    _too_little(subject)


@check(Kind.ATTACK, needs={Need.LABELS})
def attack_refuses_to_work_without_labels(subject: Subject) -> None:
    """An attack that declares LABELS and is given none says so with NotApplicable."""
    _too_little(subject)


@check(Kind.ATTACK)
def attack_asks_only_for_its_loot(subject: Subject) -> None:
    """It never looks for a key, a scheme or a test set in what it stole."""
    asked = subject.attacking.first.asked
    require(not asked, f"{subject.label} looks for {listed(asked)} in its loot; a thief has no such thing")


@check(Kind.ATTACK)
def attack_opens_no_files(subject: Subject) -> None:
    """It reads no file, writes none and calls nobody."""
    opened = subject.attacking.first.opened
    require(not opened, f"{subject.label} {listed(opened)}; all an attack may use is in `stolen`")


@check(Kind.ATTACK)
def attack_trains_through_fit(subject: Subject) -> None:
    """Networks are trained by `fit` alone, whose count of samples is what the record states as cost."""
    first = subject.attacking.first
    advice = "train with the `fit` that is handed over, so that samples are counted"
    require(not first.strayed, f"{subject.label} trains a network with an optimiser of its own; {advice}")
    require(
        first.fit.samples_seen == first.fit.shown,
        f"{subject.label}: {first.fit.samples_seen} samples counted, {first.fit.shown} seen; {advice}",
    )
