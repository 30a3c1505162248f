"""What counts as a key's value in a text that anybody may read."""

from __future__ import annotations

import pytest

from ownmark.contracts import Key
from ownmark.testing.secrets import values_in

KEY = Key(
    "signs",
    {},
    {"layer": "features.0.conv", "seed": 4_611_686_018, "words": ["correct horse", "acc"], "bits": 48},
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("features.0.conv: the widest", []),
        ("seed 4611686018 in features.0.conv", ["seed"]),
        ("correct horse of 48 bits, acc 0.9", ["words.0"]),
        ("nothing of it", []),
    ],
)
def test_names_of_layers_are_no_secret_and_words_and_numbers_are(text: str, found: list[str]) -> None:
    assert list(values_in(KEY, text, {"features.0.conv": None, "": None})) == found


def test_without_a_network_every_name_is_one() -> None:
    assert list(values_in(KEY, "features.0.conv")) == ["layer"]
