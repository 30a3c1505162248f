"""The checks, one module a kind. Importing this package registers them all, in this order."""

from ownmark.testing.checks import (
    attacks,
    datasets,
    declared,
    elsewhere,
    embedding,
    extractors,
    hosts,
    keys,
    loot,
    metrics,
    plans,
    secrecy,
    verdicts,
    versions,
)

__all__ = [
    "attacks", "datasets", "declared", "elsewhere", "embedding", "extractors", "hosts", "keys", "loot", "metrics",
    "plans", "secrecy", "verdicts", "versions",
]  # fmt: skip
