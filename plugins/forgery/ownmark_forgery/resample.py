"""Forging by drawing: any scheme whose symbols are read one by one with material of their own.

Symbols: n symbols of a key; a tensor of the key with a dimension of size n holds a row for each (projections, message
bits, triggers and their labels).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ownmark.contracts import Key


def mixed(key: Key, other: Key, rows: Tensor) -> Key:
    """`key` with the material of some symbols taken from `other`.

    Args:
        rows: bool [n], the symbols to take. Tensors without a dimension of size n stay `key`'s; of several such
        dimensions the first counts.
    """
    tensors = {}
    for name, mine in key.tensors.items():
        theirs = other.tensors.get(name)
        if theirs is not None and theirs.shape == mine.shape and len(rows) in mine.shape:
            at = list(mine.shape).index(len(rows))
            chosen = rows.to(mine.device).reshape([-1 if d == at else 1 for d in range(mine.ndim)])
            tensors[name] = torch.where(chosen, theirs.to(mine.device), mine)
    return key.add(tensors)


def resample(draw: Callable[[], Key], read: Callable[[Key], Tensor], rounds: int) -> Key:
    """Draw keys and keep what matches, until every symbol does.

    A symbol that an unmarked network matches with probability 1/2 takes two draws; n of them about 2 + log2(n) rounds.

    Args:
        draw: a fresh complete key. read: its matches, bool [n].
    """
    best = draw()
    found = read(best)
    for _ in range(rounds):
        if bool(found.all()):
            break
        other = draw()
        theirs = read(other)
        patched = mixed(best, other, theirs & ~found)
        for candidate, matches in ((patched, read(patched)), (other, theirs)):
            if matches.sum() > found.sum():
                best, found = candidate, matches
    return best
