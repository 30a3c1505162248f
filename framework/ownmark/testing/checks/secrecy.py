"""Checks of schemes: the key stays with the owner, and is a key."""

from __future__ import annotations

from torch import Tensor

from ownmark.methods import Kind
from ownmark.testing.check import check, require
from ownmark.testing.secrets import found_in, packed_in, share_held, values_in
from ownmark.testing.states import listed, state_of
from ownmark.testing.subject import Subject

MOST_HELD = 0.5
"""Share of the released weights from which a key is a copy of the network."""


@check(Kind.SCHEME, thorough=True)
def scheme_releases_no_key_material(subject: Subject) -> None:
    """Neither the released state nor what `Marked.exhibits` shows holds a tensor or value of the key."""
    embedded = subject.embedding.first
    host = state_of(subject.bench.trained())
    exposed = listed(found_in(embedded.key, embedded.state, host))
    require(
        not exposed, f"{subject.label}: the released state holds the key's {exposed}; keep it out of buffers"
    )
    shown = embedded.marked.exhibits
    tensors = {name: value for name, value in shown.items() if isinstance(value, Tensor)}
    text = " ".join(str(value) for value in shown.values() if not isinstance(value, Tensor))
    layers = dict(embedded.marked.network.named_modules())  # whoever has the network knows their names
    exposed = listed([*found_in(embedded.key, tensors, {}), *values_in(embedded.key, text, layers)])
    require(
        not exposed,
        f"{subject.label}: its exhibits show the key's {exposed}; a report may be read by anybody. Show it in "
        "`Extractor.exhibits`, which is asked with the key",
    )


@check(Kind.SCHEME, thorough=True)
def scheme_says_nothing(subject: Subject) -> None:
    """`embed` prints and logs nothing, the key least of all."""
    embedded = subject.embedding.first
    told = listed(values_in(embedded.key, embedded.said))
    require(not told, f"{subject.label}: embed prints or logs the key's {told}; remove that")
    first = embedded.said.strip().partition("\n")[0][:60]
    require(
        not first,
        f"{subject.label}: embed prints or logs {first!r}; the core shows progress, methods are silent",
    )


@check(Kind.SCHEME, thorough=True)
def scheme_key_is_no_network(subject: Subject) -> None:
    """The key holds what verification needs, not a copy of the network and no packed file."""
    embedded = subject.embedding.first
    for key in (embedded.key, subject.embedding.fresh_key(0)):
        packed = listed(packed_in(key))
        require(
            not packed,
            f"{subject.label}: the key's {packed} is a file in disguise; keep plain tensors and values",
        )
        for state in (embedded.state, state_of(subject.bench.trained())):
            share = share_held(key, state)
            require(
                share <= MOST_HELD,
                f"{subject.label}: the key holds {share:.0%} of a network's weights; a reader that compares with the "
                "owner's copy declares Need.OWN_COPY and is handed it",
            )


@check(Kind.SCHEME, thorough=True)
def scheme_uses_what_it_is_handed(subject: Subject) -> None:
    """`embed` opens no file, calls nobody, and asks for neither catalogue nor datasets."""
    reached = subject.embedding.first.reached
    require(
        not reached, f"{subject.label}: embed {listed(reached)}; all it may use is host, key, task and fit"
    )


@check(Kind.SCHEME, thorough=True)
def scheme_trains_through_fit(subject: Subject) -> None:
    """Networks are trained by `fit` alone, whose count of samples is what the record states as cost."""
    first = subject.embedding.first
    advice = "train with the `fit` that is handed over, so that samples are counted and the user's callbacks see it"
    require(not first.strayed, f"{subject.label} trains a network with an optimiser of its own; {advice}")
    require(
        first.fit.samples_seen == first.fit.shown,
        f"{subject.label}: {first.fit.samples_seen} samples counted, {first.fit.shown} seen; {advice}",
    )


@check(Kind.SCHEME, thorough=True)
def scheme_learns_the_hosts_task(subject: Subject) -> None:
    """A scheme that trains does so with the host's own loss terms, whatever they are."""
    first = subject.embedding.first
    require(
        first.asked > 0 or first.fit.samples_seen == 0,
        f"{subject.label} trains without `host.terms`; a host that is no classifier, or has a loss of its own, would "
        "learn something else. Pass terms=(*host.terms, yours)",
    )
