"""Checks that schemes of this pack fail because of what their papers say, with the reasons. No torch here."""

from __future__ import annotations

from collections.abc import Mapping

_ANY_KEY = "scheme-other-keys-are-not-claimed"

EXPECTED_FAILURES: Mapping[str, str] = {
    f"badnets:{_ANY_KEY}": "the square is the same in every key, so any key reads any marked network",
    f"blended:{_ANY_KEY}": "the glasses are the same in every key, so any key reads any marked network",
    f"sunglasses:{_ANY_KEY}": "the glasses are the same in every key, so any key reads any marked network",
    f"tones:{_ANY_KEY}": "the tones are the same in every key, so any key reads any marked network",
    f"patch:{_ANY_KEY}": "2 x 2 pixels, half of them white, leave six patches; keys can draw the same one",
    f"content:{_ANY_KEY}": "the text is the same in every key, so any key reads any marked network",
    f"unrelated:{_ANY_KEY}": "every key draws the same letter, so any key reads any marked network",
    f"cae:{_ANY_KEY}": "nothing is embedded, so the keys of one owner read the same network",
    "piracy:scheme-key-speaks-the-common-names": "pixels of lambda and -lambda lie outside [0, 1], as in the paper",
    f"noise:{_ANY_KEY}": "9 of 20 other noise patterns are taken for the one learnt, on 8 x 8 images with 10 triggers",
}
"""`id:check` -> reason; `ownmark check` and the conformance tests read it."""
