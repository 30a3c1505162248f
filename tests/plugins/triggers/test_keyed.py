"""Choices from a secret: the bytes of HMAC-SHA256, uniform, and different for another secret."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from typing import Any

import pytest

from ownmark_triggers.keyed import derangement, draw_secret, integers, permutation, secret_bytes


def test_integers_are_words_of_hmac_modulo_the_bound() -> None:
    block = hmac.new(b"secret", b"purpose" + bytes(8), hashlib.sha256).digest()
    words = [int.from_bytes(block[i : i + 4], "big") for i in range(0, 32, 4)]
    assert integers(b"secret", b"purpose", 2**16, 8) == [word % 2**16 for word in words]


def test_integers_are_uniform_where_blocks_modulo_ten_are_not() -> None:
    counts = Counter(integers(b"key", b"labels", 10, 20_000))
    assert sorted(counts) == list(range(10))
    assert sum((count - 2000) ** 2 / 2000 for count in counts.values()) < 21.7  # chi square, 9 degrees, 1 %


@pytest.mark.parametrize("choose", [permutation, derangement])
def test_another_secret_or_purpose_chooses_otherwise(choose: Any) -> None:
    first = choose(b"mine", b"places", 64)
    assert sorted(first) == list(range(64))
    assert first == choose(b"mine", b"places", 64)
    assert first != choose(b"yours", b"places", 64)
    assert first != choose(b"mine", b"labels", 64)


@pytest.mark.parametrize("size", [2, 3, 10, 100])
def test_derangement_moves_every_class(size: int) -> None:
    for secret in (b"a", b"b", b"c"):
        assert all(place != item for place, item in enumerate(derangement(secret, b"", size)))


def test_one_class_cannot_move() -> None:
    with pytest.raises(ValueError, match="cannot all move"):
        derangement(b"", b"", 1)


def test_secrets_follow_the_generator(rng: Any) -> None:
    drawn = [secret_bytes(draw_secret(rng(seed))) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(drawn[0]) == 32
