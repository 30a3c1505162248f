"""The checks, one module a kind. Importing this package registers them all, in this order."""

from ownmark.testing.checks import (
    attacks,
    datasets,
    declared,
    embedding,
    extractors,
    hosts,
    keys,
    loot,
    metrics,
    plans,
    verdicts,
)

__all__ = [
    "attacks", "datasets", "declared", "embedding", "extractors", "hosts", "keys", "loot", "metrics", "plans",
    "verdicts",
]  # fmt: skip
