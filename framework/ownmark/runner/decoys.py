"""Decoys: fresh keys of the owner's law, read on the suspect itself; the same for `run`, `audit` and `verify`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ownmark.contracts.extractor import Extractor
from ownmark.contracts.key import Key
from ownmark.contracts.scheme import Scheme
from ownmark.contracts.views import Task
from ownmark.stats import least_decoys

BATCH = 25
"""Decoys that share a batch: their symbols are read in one pass."""
SPARE = 5
"""Times as many decoys as a claim needs at least, where they are cheap: one that matches by luck costs no claim."""
IN_WEIGHTS = 999
"""Decoys read from weights, where a reader reads many keys at once."""
MOST = 9_999
"""Decoys at which a verdict stops asking for more by itself. At a finer rate they are `AT_FINE_RATES`, none of which
may match as much, and the rate itself is granted by the exact tail."""
AT_FINE_RATES = 999

SEED_BITS = 63
"""Entropy of what a generator is seeded with: no key drawn from it has more."""


def key_bits(scheme: Scheme, task: Task) -> float | None:
    """Entropy of the scheme's keys on a task, in bits, as the scheme states it and its seed allows."""
    stated = scheme.key_bits(task)
    return None if stated is None else min(float(stated), SEED_BITS)


def decoys_for(rate: float, extractor: Extractor, white_box: bool) -> int:
    """How many decoys a verdict reads where the plan leaves it open."""
    fewest = fewest_decoys(rate)
    if white_box and type(extractor).extract_many is not Extractor.extract_many:
        return max(IN_WEIGHTS, fewest)
    return fewest if fewest < least_decoys(rate) else min(SPARE * (fewest + 1) - 1, max(MOST, fewest))


def fewest_decoys(rate: float) -> int:
    """Decoys that a verdict at the rate cannot do without: enough to rank that high, as long as that is in reason."""
    least = least_decoys(rate)
    return least if least <= MOST else AT_FINE_RATES


def decoy_rates(
    extractor: Extractor,
    view: Any,
    keys: Callable[[int], Key],
    count: int,
    own: nn.Module | None = None,
    told: Callable[[int], None] | None = None,
) -> list[float]:
    """Share of symbols that each of `count` decoys matches.

    Args:
        view: the suspect. keys: the i-th decoy. own: the owner's copy, for extractors that need it.
        told: after each batch, how many were read.
    """
    rates: list[float] = []
    for first in range(0, count, BATCH):
        batch = [keys(i) for i in range(first, min(first + BATCH, count))]
        rates += [found.rate for found in extractor.extract_many(view, batch, own)]
        if told:
            told(len(rates))
    return rates


def fresh_keys(
    scheme: Scheme, task: Task, rng: Callable[[int], torch.Generator], device: torch.device
) -> Callable[[int], Key]:
    """The i-th fresh key of the scheme's law."""
    return lambda i: scheme.make_key(task, rng(i)).to(device)
