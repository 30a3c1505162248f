"""Do answers have anything to do with labels? Told by how often they would be right if they were dealt anew."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

DRAWS = 999
"""Shuffles; the least p-value is 1 / 1000."""


def shuffled_p_value(counts: Sequence[Sequence[int]]) -> float:
    """Chance that the same answers, shuffled over the same images, are right as often.

    A permutation test on hits; unlike a comparison with the most frequent label it tells a network that finds a rare
    class from one answer to everything, for which it gives 1.

    Args:
        counts: images [answered][labelled], the same classes in both.

    Errors: ValueError for a table that is not square, or for no images.
    """
    sizes = {len(row) for row in counts}
    if sizes != {len(counts)} or not any(map(sum, counts)):
        raise ValueError(f"expected a square table of at least one image, got {len(counts)} rows of {sizes}")
    answered, labelled = [sum(row) for row in counts], [sum(column) for column in zip(*counts, strict=True)]
    tables = import_module("scipy.stats").random_table(answered, labelled, seed=0).rvs(DRAWS)
    right = sum(counts[label][label] for label in range(len(counts)))
    as_often = int((tables.trace(axis1=1, axis2=2) >= right).sum())
    return (1 + as_often) / (1 + DRAWS)
