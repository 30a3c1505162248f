"""Where a pattern is everybody's, other keys claim as well, which packs announce; in keyed mode they must not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ownmark.discovery import discover
from ownmark.methods import Declaration, Kind
from ownmark.testing import run_check
from ownmark.testing.check import REGISTRY
from ownmark.testing.subject import subject_for
from ownmark.testing.suite import expected_reason

CHECKS = (
    "scheme-mark-is-read-completely",
    "scheme-mark-is-claimed",
    "scheme-null-models-are-not-claimed",
    "scheme-other-keys-are-not-claimed",
)


def keyed() -> list[Declaration]:
    """Schemes with a keyed mode, in that mode."""
    schemes = [one for one in discover().of(Kind.SCHEME) if one.config]
    having = [one for one in schemes if "keyed" in one.load_config().__pydantic_fields__]
    return [
        replace(one, id=f"{one.id}_keyed", extractor=discover().default_extractor(one).name,
                smoke={**one.smoke, "keyed": True, "keys": 25})
        for one in having
    ]  # fmt: skip


SCHEMES = keyed()


def test_schemes_with_a_public_pattern_have_a_keyed_mode() -> None:
    check = REGISTRY["scheme-other-keys-are-not-claimed"]
    announced = {one.id for one in discover().of(Kind.SCHEME) if expected_reason(check, one)}
    # faces and tones are the laundering paper's, for its tables alone; of cae one owner's keys are kin
    assert announced - {"cae", "sunglasses", "tones"} <= {one.id.removesuffix("_keyed") for one in SCHEMES}
    assert len(SCHEMES) >= 6


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda one: one.id)
def test_a_keyed_mark_keeps_the_contract_without_exceptions(scheme: Declaration, name: str) -> None:
    run_check(REGISTRY[name], scheme)


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda one: one.id)
def test_no_fresh_key_matches_as_much_as_the_owners(scheme: Declaration) -> None:
    subject = subject_for(scheme, None)
    reading, embedding = subject.reading, subject.embedding
    fresh = [embedding.fresh_key(1000 + i) for i in range(99)]
    rates = [one.rate for one in reading.read_many(embedding.released(), fresh)]
    assert max(rates) < reading.evidence.rate
