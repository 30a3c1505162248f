"""Checks of extractors, on a network marked by a scheme that they read."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from ownmark.contracts import BlackBox, Evidence, Goal, outputs
from ownmark.contracts.loading import load_weights, no_numbers
from ownmark.errors import NotApplicable, Unreadable
from ownmark.methods import Kind, Need
from ownmark.testing.check import CheckFailed, Inapplicable, check, require
from ownmark.testing.states import ambient, disturbed, listed, snapshot
from ownmark.testing.subject import Subject
from ownmark.testing.workbench import NULLS

FEW = 6
"""Symbols that may all match by chance."""


@check(Kind.EXTRACTOR)
def extractor_changes_nothing(subject: Subject) -> None:
    """Suspect, key and global random state stay what they are."""
    reading = subject.reading
    network, key = reading.embedding.released(), reading.embedding.first.key
    before, key_before, surroundings = snapshot(network), key.digest(), ambient()
    reading.read(network, key)
    harmed = disturbed(surroundings)
    harmed += ["the suspect"] if snapshot(network) != before else []
    harmed += ["the key"] if key.digest() != key_before else []
    require(not harmed, f"{subject.label} changes {listed(harmed)}; work on copies, without gradients")


@check(Kind.EXTRACTOR)
def extractor_evidence_is_sound(subject: Subject) -> None:
    """Matches are bool [n] with n > 0, chance is in (0, 1] or None, extras are numbers or text."""
    found = subject.reading.evidence
    require(isinstance(found, Evidence), f"{subject.label} returns {type(found).__name__}, not Evidence")
    matches = found.matches
    fits = matches.dtype == torch.bool and matches.ndim == 1 and found.n > 0
    shown = f"{matches.dtype} {list(matches.shape)}"
    require(fits, f"{subject.label}: matches must be bool [n] with n > 0, not {shown}")
    chance = found.chance
    require(
        chance is None or (math.isfinite(chance) and 0 < chance <= 1),
        f"{subject.label}: chance is {chance}; it is a probability above 0, or None where only null models can tell",
    )
    odd = [name for name, value in found.extras.items() if not isinstance(value, int | float | str)]
    require(not odd, f"{subject.label}: extra {listed(odd)} is neither a number nor text")


@check(Kind.EXTRACTOR)
def extractor_exhibits_are_pictures(subject: Subject) -> None:
    """`exhibits` gives [N, C, H, W] in [0, 1] with one or three channels, by name."""
    reading = subject.reading
    key = reading.embedding.first.key
    shown = reading.extractor.exhibits(reading.view(reading.embedding.released()), key)
    odd = [name for name, images in shown.items() if not _is_picture(images)]
    require(not odd, f"{subject.label}: exhibit {listed(odd)} is no picture [N, 1 or 3, H, W] in [0, 1]")


def _is_picture(images: object) -> bool:
    if not isinstance(images, Tensor) or images.ndim != 4 or images.shape[1] not in (1, 3):
        return False
    return bool((images >= 0).all() and (images <= 1).all())


@check(Kind.EXTRACTOR)
def extractor_reads_many_as_one(subject: Subject) -> None:
    """`extract_many` gives what `extract` gives key by key, in order."""
    reading = subject.reading
    network = reading.embedding.released()
    fresh = [] if reading.only_embedded else reading.fresh_keys()[:3]
    keys = [*fresh, reading.embedding.first.key]
    many = reading.read_many(network, keys)
    single = [reading.read(network, key) for key in keys]
    same = len(many) == len(single) and all(
        torch.equal(one.matches, two.matches) and one.chance == two.chance
        for one, two in zip(many, single, strict=True)
    )
    require(same, f"{subject.label}: extract_many and extract disagree; batch over keys without mixing them")


@check(Kind.EXTRACTOR, needs={Need.OWN_COPY})
def extractor_leaves_the_owners_copy_alone(subject: Subject) -> None:
    """The owner's own copy, which it is handed because it asks for it, is read and not changed."""
    reading = subject.reading
    own, network = reading.own, reading.embedding.released()
    assert own is not None
    before = snapshot(own)
    reading.extractor.extract(reading.view(network), reading.embedding.first.key, own)
    require(snapshot(own) == before, f"{subject.label} changes the owner's copy; work on a copy of it")


@check(Kind.EXTRACTOR, needs={Need.WHITE_BOX})
def extractor_survives_strangers(subject: Subject) -> None:
    """Suspects of another structure, and one without numbers, give evidence or Unreadable, no other error."""
    reading = subject.reading
    for what, network in strangers(reading.embedding.released()).items():
        try:
            reading.read(network, reading.embedding.first.key)
        except Unreadable:
            continue
        except Exception as error:
            raise CheckFailed(
                f"{subject.label} raises {type(error).__name__} ({error}) for {what}; raise Unreadable where the "
                "suspect lacks what carries the mark"
            ) from error


def strangers(network: nn.Module) -> dict[str, nn.Module]:
    """What an attacker may leave of a network, by description; `network` itself stays what it is."""
    wider, bare, broken = (copy.deepcopy(network) for _ in range(3))
    grown = {name: _grown(tensor) for name, tensor in wider.state_dict().items()}
    for name, module in list(bare.named_modules()):
        if isinstance(module, _BatchNorm):
            parent, _, leaf = name.rpartition(".")
            setattr(bare.get_submodule(parent), leaf, nn.Identity())
    return {
        "a suspect without parameters": nn.Flatten(),
        "another architecture": nn.Sequential(nn.Flatten(), nn.Linear(8, 4)),
        "a network with one more neuron in each layer": load_weights(wider, grown),
        "a network whose BatchNorm was folded away": bare,
        "a network of not-a-numbers": no_numbers(broken),
    }


def _grown(tensor: Tensor) -> Tensor:
    """The tensor with one more output and, but for vectors, one more input, all zero."""
    if tensor.ndim == 0:
        return tensor
    return functional.pad(tensor, [*([0, 0] * (tensor.ndim - 2)), *([0, 1] * min(tensor.ndim, 2))])


@check(Kind.EXTRACTOR, thorough=True)
def extractor_depends_on_the_key(subject: Subject) -> None:
    """It neither claims everything nor reads the same whatever the key: unmarked networks and fresh keys tell."""
    reading = subject.reading
    bench, key = reading.embedding.bench, reading.embedding.first.key
    plain = [reading.read(null, key) for null in bench.nulls[:NULLS]]
    require(
        any(found.hits < found.n for found in plain) or plain[0].n < FEW,
        f"{subject.label}: every symbol matches on {NULLS} unmarked networks; evidence has to come from the suspect",
    )
    if reading.only_embedded:
        return
    released = reading.embedding.released()
    fresh = reading.read_many(released, reading.fresh_keys())
    own = reading.read(released, key)
    same = all(torch.equal(found.matches, own.matches) for found in fresh if found.n == own.n)
    require(
        not same or own.n < FEW,
        f"{subject.label}: {len(fresh)} fresh keys read what the owner's key reads on the marked network, symbol by "
        "symbol; compare with what stands in the key",
    )


class _Asked:
    """A network's answers, with a count of the images that were sent."""

    def __init__(self, subject: Subject, labels_only: bool) -> None:
        self._network = subject.reading.embedding.released()
        self._labels_only = labels_only
        self.goal = subject.reading.embedding.bench.host.goal
        self.images = 0

    def __call__(self, x: Tensor) -> Tensor:
        self.images += len(x)
        answer = outputs(self._network, x)
        if self.goal is not Goal.CLASSIFICATION:
            return answer
        answer = answer.softmax(1)
        return answer.argmax(1) if self._labels_only else answer


def _queried(subject: Subject, labels_only: bool) -> tuple[_Asked, BlackBox, Evidence]:
    asked = _Asked(subject, labels_only)
    box, reading = BlackBox(asked, goal=asked.goal), subject.reading
    return asked, box, reading.extractor.extract(box, reading.embedding.first.key, reading.own)


@check(Kind.EXTRACTOR, needs={Need.BLACK_BOX})
def extractor_counts_its_queries(subject: Subject) -> None:
    """Every image goes through `predict` or `probabilities`, so the suspect's counter is right."""
    asked, box, _ = _queried(subject, labels_only=False)
    require(
        asked.images > 0, f"{subject.label} never queries the suspect; evidence must come from its answers"
    )
    require(
        box.queries == asked.images,
        f"{subject.label}: {asked.images} images were answered and {box.queries} counted; ask through `predict` or "
        "`probabilities` only",
    )


@check(Kind.EXTRACTOR, needs={Need.BLACK_BOX})
def extractor_works_with_labels_only(subject: Subject) -> None:
    """A suspect that answers with labels gives the same evidence, or is refused with NotApplicable."""
    try:
        _, _, found = _queried(subject, labels_only=True)
    except NotApplicable as error:
        raise Inapplicable(f"it needs more than labels: {error}") from error
    expected = _queried(subject, labels_only=False)[2]
    require(
        torch.equal(found.matches, expected.matches),
        f"{subject.label} reads something else where the suspect answers with labels only; use `predict`, or "
        "`probabilities` where labels are not enough",
    )


@check(Kind.EXTRACTOR, needs={Need.BLACK_BOX})
def extractor_respects_the_budget(subject: Subject) -> None:
    """Once the query budget is spent, extraction ends with NotApplicable."""
    asked = _Asked(subject, False)
    reading, box = subject.reading, BlackBox(asked, budget=0, goal=asked.goal)
    try:
        reading.extractor.extract(box, reading.embedding.first.key, reading.own)
    except NotApplicable:
        return
    raise CheckFailed(
        f"{subject.label} gives evidence without a single query allowed; let NotApplicable through"
    )
