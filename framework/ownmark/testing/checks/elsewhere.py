"""Checks of schemes and attacks: the same in another process, on another task, and before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from ownmark.contracts import outputs
from ownmark.contracts.tasks import require_fit
from ownmark.errors import NotApplicable, OwnmarkError
from ownmark.methods import Kind
from ownmark.testing.attacking import Attacking
from ownmark.testing.beyond import TASKS
from ownmark.testing.check import CheckFailed, Inapplicable, check, require
from ownmark.testing.embedding import Embedding
from ownmark.testing.process import digest_elsewhere, digest_here
from ownmark.testing.reading import Reading
from ownmark.testing.states import ambient, disturbed, listed, snapshot, unfinished
from ownmark.testing.subject import Subject
from ownmark.testing.workbench import Workbench, other_workbench, second_workbench


@check(Kind.SCHEME, Kind.ATTACK, thorough=True)
def method_repeats_itself_in_another_process(subject: Subject) -> None:
    """A fresh interpreter, with another order of sets and hashes, gives the same bytes for the same seed."""
    here, elsewhere = digest_here(subject), digest_elsewhere(subject)
    require(
        here == elsewhere,
        f"{subject.label}: another process gives another result for the same seed; `hash()`, the order of sets, the "
        "time and what a module drew when it was imported differ there. Draw from the generators that are handed over",
    )


@check(Kind.SCHEME, Kind.ATTACK, thorough=True)
def method_check_leaves_all_alone(subject: Subject) -> None:
    """`check` changes neither the network it looks at nor any global state or setting."""
    bench = subject.bench
    network, task = bench.blank(), subject.task
    before, surroundings = snapshot(network), ambient()
    try:
        if subject.declaration.kind is Kind.SCHEME:
            subject.instance.check(network, task)
        else:
            subject.instance.check(network, task.shape, task.classes)
    except NotApplicable:
        pass
    harmed = disturbed(surroundings) + (["the network"] if snapshot(network) != before else [])
    require(
        not harmed,
        f"{subject.label}: check changes {listed(harmed)}; it is asked about many hosts, look only",
    )


def _second(subject: Subject) -> Workbench:
    bench = second_workbench(subject.declaration)
    if bench is None:
        raise Inapplicable("it is tried on a host or dataset of its own (smoke_host)")
    splits = bench.splits
    try:
        if subject.declaration.kind is Kind.SCHEME:
            subject.instance.check(bench.blank(), bench.task_for(subject.needs).bare())
        else:
            subject.instance.check(bench.blank(), splits.shape, splits.classes)
    except NotApplicable as error:
        raise Inapplicable(f"it is not for this task: {error}") from error
    return bench


@check(Kind.SCHEME, thorough=True)
def scheme_works_on_another_task(subject: Subject) -> None:
    """Colour, no square, three classes: what `check` accepts is marked, and its extractor reads it."""
    embedding = Embedding(subject.instance, _second(subject), subject.needs)
    try:
        embedded = embedding.embed(0)
        broken = unfinished(embedded.state)
        reader = subject.reading
        found = Reading(subject.declaration, embedding, reader.reader, reader.extractor).read(
            embedding.released(embedded), embedded.key
        )
    except NotApplicable as error:
        raise Inapplicable(f"it is not for this task: {error}") from error
    except Exception as error:
        raise CheckFailed(
            f"{subject.label}: check accepts 3 x 12 x 10 images of three classes, and embedding or reading raises "
            f"{type(error).__name__} ({error}); take shape and classes from the task, or let check raise NotApplicable"
        ) from error
    require(
        not broken and found.n > 0,
        f"{subject.label}: on 3 x 12 x 10 images it leaves no sound network or mark",
    )


def _others(subject: Subject) -> Iterator[tuple[str, Workbench]]:
    """The kit's further tasks that the method's needs allow and its `check` accepts."""
    for name in TASKS:
        bench = other_workbench(name)
        try:
            require_fit(subject.needs, bench.splits.inputs, bench.host.goal)
            if subject.declaration.kind is Kind.SCHEME:
                subject.instance.check(bench.blank(), bench.task_for(subject.needs).bare())
            else:
                subject.instance.check(bench.blank(), bench.splits.shape, bench.splits.classes)
        except NotApplicable:
            continue
        yield name, bench


def _tried_on_others(subject: Subject, method: Callable[[Workbench], bool]) -> None:
    tried = 0
    for name, bench in _others(subject):
        tried += 1
        try:
            sound = method(bench)
        except NotApplicable:
            continue
        except Exception as error:
            raise CheckFailed(
                f"{subject.label}: its needs allow {name}, and there it raises {type(error).__name__} ({error}); name "
                "in `needs` what it requires of tasks, or let check raise NotApplicable"
            ) from error
        require(sound, f"{subject.label}: on {name} it leaves what does not answer, or no mark")
    if not tried:
        raise Inapplicable("it is for none of the kit's further tasks")


@check(Kind.SCHEME, thorough=True)
def scheme_works_on_what_it_claims(subject: Subject) -> None:
    """Sentences, a generator, captions: what its needs and `check` allow is marked, and its extractor reads it."""
    reader = subject.reading

    def marked(bench: Workbench) -> bool:
        embedding = Embedding(subject.instance, bench, subject.needs)
        found = Reading(subject.declaration, embedding, reader.reader, reader.extractor).evidence
        return found.n > 0

    _tried_on_others(subject, marked)


@check(Kind.ATTACK, thorough=True)
def attack_works_on_what_it_claims(subject: Subject) -> None:
    """Sentences, a generator, captions: what its needs and `check` allow is attacked, and what is left answers."""

    def answers(bench: Workbench) -> bool:
        left = Attacking(subject.instance, bench, subject.declaration.needs).restored()
        found = outputs(
            subject.instance.serve(left, torch.Generator().manual_seed(0)).eval(), bench.questions
        )
        return found.shape == outputs(bench.marked[0], bench.questions).shape

    _tried_on_others(subject, answers)


@check(Kind.ATTACK, thorough=True)
def attack_works_on_another_task(subject: Subject) -> None:
    """Colour, no square, three classes: what `check` accepts is attacked, and what is left answers."""
    bench = _second(subject)
    attacking = Attacking(subject.instance, bench, subject.declaration.needs)
    x = bench.questions
    try:
        with torch.no_grad():
            left = attacking.restored()
            answers = subject.instance.serve(left, torch.Generator().manual_seed(0)).eval()(x)
    except OwnmarkError as error:
        raise Inapplicable(f"it is not for this task: {error}") from error
    except Exception as error:
        raise CheckFailed(
            f"{subject.label}: check accepts 3 x 12 x 10 images of three classes, and attacking or serving raises "
            f"{type(error).__name__} ({error}); take shape and classes from what is stolen, or raise NotApplicable"
        ) from error
    shape = list(answers.shape)
    require(
        shape == [len(x), 3], f"{subject.label}: on a task of three classes what it leaves answers {shape}"
    )
