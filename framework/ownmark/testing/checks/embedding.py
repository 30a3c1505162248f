"""Checks of schemes: what `embed` gives, and what it leaves alone."""

from __future__ import annotations

import torch

from ownmark.contracts import Recipe, outputs
from ownmark.methods import Kind
from ownmark.testing.check import Inapplicable, check, require
from ownmark.testing.states import digest_of, listed, state_of, unfinished
from ownmark.testing.subject import Subject

MARGIN = 0.1
"""Accuracy that a smoke mark may cost."""


@check(Kind.SCHEME)
def scheme_leaves_the_rest_alone(subject: Subject) -> None:
    """`embed` changes neither global random state nor the owner's images nor the key it is given."""
    harmed = subject.embedding.first.harmed
    require(
        not harmed,
        f"{subject.label}: embed changes {listed(harmed)}; draw from `fit.rng`, copy what you change, "
        "and return a new key",
    )


@check(Kind.SCHEME)
def scheme_repeats_itself(subject: Subject) -> None:
    """The same seed gives the same key and the same network, byte for byte."""
    first, again = subject.embedding.first, subject.embedding.again
    advice = "draw from `fit.rng` (contracts.seeded for library code), and keep no state between calls"
    require(
        first.key.digest() == again.key.digest(), f"{subject.label}: one seed, two embedded keys; {advice}"
    )
    require(
        digest_of(first.state) == digest_of(again.state), f"{subject.label}: one seed, two networks; {advice}"
    )


@check(Kind.SCHEME)
def scheme_restores_what_it_releases(subject: Subject) -> None:
    """The released network's state, put into a new host by `restore`, answers as the network did."""
    embedding, x = subject.embedding, subject.bench.questions
    broken = unfinished(embedding.first.state)
    require(not broken, f"{subject.label}: weights {listed(broken)} are not finite; lower the strength")
    released = outputs(embedding.first.marked.network, x)
    require(
        torch.equal(released, outputs(embedding.released(), x)),
        f"{subject.label}: the marked network answers otherwise once it is restored from its state dict; keep "
        "everything in parameters and buffers, and override `restore` if layers differ from the host's",
    )


@check(Kind.SCHEME)
def scheme_keeps_utility(subject: Subject) -> None:
    """The marked network classifies nearly as well as the host."""
    bench = subject.bench
    if not bench.classifies:
        raise Inapplicable("the host's utility is not measured on predictions")
    host, marked = bench.accuracy(bench.trained()), bench.accuracy(subject.embedding.released())
    require(
        marked >= host - MARGIN,
        f"{subject.label}: accuracy falls from {host:.3f} to {marked:.3f}; choose gentler smoke arguments, or a "
        "larger smoke_host",
    )


@check(Kind.SCHEME, idle=True)
def scheme_idle_is_plain_training(subject: Subject) -> None:
    """With its idle arguments a scheme gives the network that training without it gives, bit for bit."""
    embedding, bench = subject.embedding, subject.bench
    idle = subject.build(**subject.declaration.idle)
    found = digest_of(embedding.embed(0, idle).state)
    expected = [digest_of(state_of(bench.plain(bench.fitter("embed", 0))))]
    expected.append(digest_of(state_of(bench.trained())))
    recipe = getattr(idle.config, "recipe", None)
    if isinstance(recipe, Recipe):
        host, fit = bench.host, bench.fitter("embed", 0)
        terms, transforms = tuple(host.terms()), tuple(host.transforms())
        tuned = fit(bench.trained(), bench.task.owner, recipe, terms=terms, transforms=transforms)
        expected.append(digest_of(state_of(tuned)))
    require(
        found in expected,
        f"{subject.label}: with {dict(subject.declaration.idle)} it gives neither the trained host nor what plain "
        "training (from `host.blank(fit.rng)`, or on from `host.trained()` with the config's recipe) gives",
    )
