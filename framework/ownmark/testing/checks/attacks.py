"""Checks of attacks: what they leave behind."""

from __future__ import annotations

import copy

import torch
from torch import nn

from ownmark.contracts import Attack, outputs
from ownmark.contracts.returned import returned
from ownmark.errors import NotApplicable, OwnmarkError
from ownmark.methods import Kind
from ownmark.runner.seeds import rng_for
from ownmark.testing.check import CheckFailed, check, require
from ownmark.testing.checks.keys import hopeless
from ownmark.testing.states import digest_of, listed, snapshot, state_of, unfinished
from ownmark.testing.subject import Subject


@check(Kind.ATTACK)
def attack_judges_hosts(subject: Subject) -> None:
    """`check` accepts the kit's host, and has nothing but NotApplicable to say of a hopeless one."""
    bench = subject.bench
    try:
        subject.instance.check(bench.blank(), bench.splits.shape, bench.splits.classes)
    except NotApplicable as error:
        raise CheckFailed(
            f"{subject.label} refuses the kit's host ({error}); change its smoke or smoke_host arguments"
        ) from error
    network, task = hopeless(bench)
    try:
        subject.instance.check(network, task.shape, task.classes)
    except OwnmarkError:
        return
    except Exception as error:
        raise CheckFailed(
            f"{subject.label}: check raises {type(error).__name__} ({error}) for a network without parameters; "
            "raise NotApplicable"
        ) from error


@check(Kind.ATTACK)
def attack_leaves_victim_untouched(subject: Subject) -> None:
    """The marked network, of which the thief has a copy, and the granted images stay what they are."""
    harmed = [name for name in subject.attacking.first.harmed if name in ("the victim", "its images")]
    require(
        not harmed,
        f"{subject.label} changes {listed(harmed)}, which other cells share; change `stolen.network` or copies only",
    )


@check(Kind.ATTACK)
def attack_leaves_the_surroundings_alone(subject: Subject) -> None:
    """No global random state or torch setting changes."""
    harmed = [name for name in subject.attacking.first.harmed if name not in ("the victim", "its images")]
    require(
        not harmed,
        f"{subject.label} changes {listed(harmed)}; draw from `rng` (contracts.seeded for library code)",
    )


@check(Kind.ATTACK)
def attack_repeats_itself(subject: Subject) -> None:
    """The same seed gives the same suspect, byte for byte."""
    attacking = subject.attacking
    require(
        digest_of(attacking.first.state) == digest_of(attacking.again.state),
        f"{subject.label}: one seed, two suspects; draw from `rng` and `fit.rng`, and keep no state between calls",
    )


@check(Kind.ATTACK)
def attack_suspect_is_sound(subject: Subject) -> None:
    """The suspect's weights are finite, and it answers finitely, in the shape in which the marked network does."""
    bench = subject.bench
    broken = unfinished(subject.attacking.first.state)
    require(not broken, f"{subject.label}: weights {listed(broken)} of the suspect are not finite")
    x = bench.questions[:32]
    found = outputs(copy.deepcopy(subject.attacking.first.suspect.network), x)
    expected = outputs(bench.marked[0], x).shape
    require(
        found.shape == expected and bool(torch.isfinite(found).all()),
        f"{subject.label}: the suspect answers {list(found.shape)}, or not finitely; expected {list(expected)}",
    )


@check(Kind.ATTACK)
def attack_suspect_restores(subject: Subject) -> None:
    """The suspect's state, put into a copy of the marked network by `restore`, answers as the suspect did."""
    x = subject.bench.questions
    left = outputs(copy.deepcopy(subject.attacking.first.suspect.network), x)
    require(
        torch.equal(left, outputs(subject.attacking.restored(), x)),
        f"{subject.label}: the suspect answers otherwise once it is restored from its state dict; override `restore` "
        "if layers change, and put query-time transforms into `serve`",
    )


def _served(attack: Attack, network: nn.Module) -> nn.Module:
    return returned(attack.serve(network, rng_for("kit", "serve")), nn.Module, "serve").eval()


@check(Kind.ATTACK)
def attack_serves_predictions(subject: Subject) -> None:
    """`serve` answers with the suspect's shape, equally for equal seeds, and changes no weight."""
    x, network = subject.bench.questions, subject.attacking.restored()
    before = snapshot(network)[0]
    first, again = (outputs(_served(subject.instance, network), x) for _ in range(2))
    expected = outputs(network, x)
    require(
        first.shape == expected.shape and bool(torch.isfinite(first).all()),
        f"{subject.label}: serve answers {list(first.shape)}, or not finitely; expected {list(expected.shape)}",
    )
    require(
        torch.equal(first, again), f"{subject.label}: serve answers differ for one seed; draw from `rng` only"
    )
    require(
        snapshot(network)[0] == before,
        f"{subject.label}: serve changes the suspect's weights; wrap it instead",
    )


@check(Kind.ATTACK, idle=True)
def attack_idle_is_the_identity(subject: Subject) -> None:
    """With its idle arguments an attack gives back the stolen weights, and serves them unchanged."""
    bench, idle = subject.bench, subject.build(**subject.declaration.idle)
    left = subject.attacking.run(attack=idle)
    x, said = bench.questions, dict(subject.declaration.idle)
    require(
        digest_of(left.state) == digest_of(state_of(bench.marked[0])),
        f"{subject.label}: with {said} it changes the weights; make nothing mean nothing, or mend `idle`",
    )
    served = _served(idle, copy.deepcopy(bench.marked[0]))
    require(
        torch.equal(outputs(served, x), outputs(bench.marked[0], x)),
        f"{subject.label}: with {said} it serves other answers than the stolen network",
    )
