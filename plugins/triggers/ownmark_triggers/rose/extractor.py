"""Reads a ROSE mark: labels are recomputed from images and secret, so a key that was made to fit is worthless."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from ownmark.contracts import BlackBox, Evidence, Key
from ownmark.errors import NotApplicable
from ownmark.stats import rarity_bits
from ownmark_triggers.keyed import secret_bytes
from ownmark_triggers.rose.labels import hashed_labels
from ownmark_triggers.triggers.extractor import Triggers


def bound(key: Key) -> Key:
    """The key with the labels that its images and its secret demand.

    Raises:
        NotApplicable: fewer than two classes, which leave nothing to demand.
    """
    if key.values["classes"] < 2:
        raise NotApplicable(f"a key of {key.values['classes']} class proves nothing")
    labels = hashed_labels(key["triggers"], secret_bytes(key["secret"]), key.values["classes"])
    return key.add({"labels": labels.to(key["triggers"].device)})


def _asked(key: Key) -> tuple[int, int]:
    """Positions of the images that are asked: all, unless the key was cut."""
    start, stop = key.values.get("asked", (0, len(key["labels"])))
    return start, stop


class RoseExtractor(Triggers):
    """Trained-key accuracy on recomputed labels, with its rarity in bits."""

    def extract_many(
        self, suspect: BlackBox, keys: Sequence[Key], own: nn.Module | None = None
    ) -> list[Evidence]:
        """Extras: `rarity_bits`, R of the paper; `labels_bound`, whether the key's own labels are the hash's."""
        honest = [bound(key) for key in keys]
        asked = [super(RoseExtractor, self).part(true, *_asked(true)) or true for true in honest]
        read = zip(keys, honest, super().extract_many(suspect, asked, own), strict=True)
        return [self._described(found, key, true) for key, true, found in read]

    def part(self, key: Key, start: int, stop: int) -> Key | None:
        """The whole key, since labels follow from all images together, of which only these are asked."""
        return key.add(asked=[start, stop])

    def _described(self, found: Evidence, key: Key, true: Key) -> Evidence:
        classes = key.values["classes"]
        rarity = rarity_bits(found.hits, found.n, classes)
        agree = "yes" if bool((key["labels"] == true["labels"]).all()) else "no"
        extras = {**found.extras, "rarity_bits": rarity, "labels_bound": agree}
        return replace(found, chance=1 / classes, extras=extras)
