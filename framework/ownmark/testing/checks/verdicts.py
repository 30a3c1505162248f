"""Checks of schemes: whose network is claimed, and whose is not, at the kit's false-positive rate."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from ownmark.contracts import Key
from ownmark.contracts.returned import returned
from ownmark.contracts.spare import SpareKeys
from ownmark.contracts.weights import read_tensors, write_tensors
from ownmark.methods import Kind
from ownmark.runner.seeds import rng_for
from ownmark.stats import binomial_tail
from ownmark.testing.check import check, require
from ownmark.testing.subject import Subject
from ownmark.testing.workbench import NULLS, RATE

DECOYS = 19
"""Fewest for a claim at `RATE`."""
IMPROBABLE = 0.001
"""A number of false claims that is less probable than this, at the stated rate, fails a scheme."""


@check(Kind.SCHEME)
def scheme_mark_is_read_completely(subject: Subject) -> None:
    """Every symbol matches on the marked network, which nobody has attacked."""
    found = subject.reading.evidence
    require(
        found.n > 0 and found.hits == found.n,
        f"{subject.label}: {found.hits} of {found.n} symbols match on the unattacked network; choose smoke "
        "arguments that embed the mark fully (more strength, fewer symbols, more repeats)",
    )


@check(Kind.SCHEME)
def scheme_mark_is_claimed(subject: Subject) -> None:
    """The unattacked network is claimed at the kit's rate."""
    reading = subject.reading
    threshold = reading.threshold
    require(
        reading.claims(reading.evidence),
        f"{subject.label}: {reading.evidence.hits} of {reading.evidence.n} symbols make no claim; {threshold.hits} are "
        f"needed at rate {RATE} ({threshold.rule} rule). Use more symbols in the smoke arguments",
    )


@check(Kind.SCHEME)
def scheme_null_models_are_not_claimed(subject: Subject) -> None:
    """Unmarked networks that the threshold was not set on are not claimed with the owner's key."""
    reading = subject.reading
    nulls = subject.bench.nulls[NULLS:]
    claims = sum(reading.claims(reading.read(null, subject.embedding.first.key)) for null in nulls)
    _require_rare(subject, claims, len(nulls), "unmarked networks are claimed with the owner's key")


@check(Kind.SCHEME)
def scheme_other_keys_are_not_claimed(subject: Subject) -> None:
    """The marked network is not claimed with keys that it does not carry."""
    reading, embedding = subject.reading, subject.embedding
    if reading.only_embedded:
        crossed = [(embedding.first, embedding.other), (embedding.other, embedding.first)]
        found = [reading.read(embedding.released(one), two.key) for one, two in crossed]
    else:
        found = reading.read_many(embedding.released(), reading.fresh_keys())
    claims = sum(reading.claims(one) for one in found)
    _require_rare(subject, claims, len(found), "other keys claim the marked network")


@check(Kind.SCHEME)
def scheme_kept_decoys_are_other_keys(subject: Subject) -> None:
    """Decoys that an embedded key keeps follow from the generator, and match less of its marked network than it."""
    scheme, reading = subject.instance, subject.reading
    key = reading.embedding.first.key
    if not isinstance(scheme, SpareKeys) or scheme.decoy(key, rng_for("kit decoy", 0)) is None:
        return
    kept = [
        returned(scheme.decoy(key, rng_for("kit decoy", i % DECOYS)), Key, "decoy") for i in range(DECOYS + 1)
    ]
    require(
        kept[0].digest() == kept[DECOYS].digest() != kept[1].digest(),
        f"{subject.label}: decoys do not follow from `rng`; draw what might have been embedded from it alone",
    )
    found = reading.read_many(reading.embedding.released(), kept)
    as_much = sum(one.n != reading.evidence.n or one.hits >= reading.evidence.hits for one in found)
    require(
        as_much == 0,
        f"{subject.label}: {as_much} of {DECOYS + 1} decoys match the marked network as much as its key, or have "
        "another length; keep more that is not embedded",
    )


def _require_rare(subject: Subject, claims: int, trials: int, what: str) -> None:
    chance = binomial_tail(claims, trials, RATE)
    allowed = max(IMPROBABLE, 1.01 * RATE**trials)
    require(
        chance > allowed,
        f"{subject.label}: {claims} of {trials} {what}, at a stated rate of {RATE}; either the evidence's `chance` is "
        "wrong (None leaves it to the null models), or the mark does not depend on the key",
    )


@check(Kind.SCHEME)
def scheme_verdict_survives_saving(subject: Subject) -> None:
    """Key and weights, written to files and read again, give the same evidence and verdict."""
    reading, embedding = subject.reading, subject.embedding
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        write_tensors(path, embedding.first.state, {"ownmark": "model"})
        state, _ = read_tensors(path, "model")
        embedding.first.key.save(Path(folder) / "key.safetensors")
        key = Key.load(Path(folder) / "key.safetensors")
    network = embedding.restored(state)
    found = reading.read(network, key)
    same = torch.equal(found.matches, reading.evidence.matches)
    require(
        same and reading.claims(found) == reading.claims(reading.evidence),
        f"{subject.label}: evidence changes once key and weights are read from files; nothing that verification needs "
        "may live outside of them",
    )
