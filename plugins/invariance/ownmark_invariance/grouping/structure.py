"""From the book to what may change places: class signatures, blocks of classes, positions of a class on an axis.

Two permutation classes may change places if every record shows them alike: the same parameter axes with the same
multiplicity, the same path through every layout operation (sheet section 2). Where blocks are involved (group norm,
grouped convolution, heads) whole blocks may change places too, if their classes match one to one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ownmark_invariance.grouping.book import Blocks, Book, Move
from ownmark_invariance.grouping.symbols import FROZEN, Classes, Ints, components

Words = NDArray[np.uint64]
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(*parts: Ints | int) -> Words:
    """A 64-bit hash of tuples of integers, element by element (splitmix64 finaliser)."""
    state = np.uint64(0)
    with np.errstate(over="ignore"):
        for part in parts:
            state = state * GOLDEN + np.asarray(part).astype(np.uint64) + GOLDEN
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return np.atleast_1d(state)


@dataclass(frozen=True)
class Places:
    """Where each class sits on an axis of n places: `cls`, `rank` [n] (k-th place of its class); `order` lists the
    places class by class, class c from `start[c]` on."""

    cls: Ints
    rank: Ints
    order: Ints
    start: Ints


def places(symbols: Ints, classes: Classes) -> Places:
    """Sort the places of an axis by class, in order."""
    cls = classes.of[symbols.ravel()]
    order = np.argsort(cls, kind="stable")
    start = np.searchsorted(cls[order], np.arange(classes.count + 1))
    rank = np.empty_like(cls)
    rank[order] = np.arange(cls.size) - start[cls[order]]
    return Places(cls, rank, order, start)


@dataclass(frozen=True)
class Structure:
    """What may be permuted. `signature` [classes]; `block` [classes] is the movable block of a class, or -1."""

    perm: Classes
    signature: Words
    block: Ints
    bucket: Ints
    """[classes] classes of one bucket are exchangeable, with their blocks; -1: frozen, or seen by no record."""


def structure(book: Book) -> Structure:
    """Solve the permutation symbols and find what is exchangeable."""
    perm = book.perm.solve()
    total = np.zeros(perm.count, dtype=np.uint64)
    number = 0
    for use in book.uses.values():
        for axis in use.axes:
            number += 1
            np.add.at(total, perm.of[axis.perm.ravel()], mix(number))
    for move in book.moves:
        number += 1
        _add_move(total, move, perm, number)
    block = _blocks(book.blocks, perm, total, number + 1)
    total[FROZEN] = 0
    bucket = np.unique(total, return_inverse=True)[1].astype(np.int64)
    bucket[(total == 0) | (np.arange(perm.count) == FROZEN)] = -1
    return Structure(perm, total, block, bucket)


def _add_move(total: Words, move: Move, perm: Classes, number: int) -> None:
    into, out = places(move.into, perm), places(move.out, perm)
    rank = np.full(move.source.shape, -1, dtype=np.int64)
    taken = move.source >= 0
    rank[taken] = into.rank[move.source[taken]]
    np.add.at(total, out.cls, mix(number, out.rank, rank, move.tag))


def _blocks(records: list[Blocks], perm: Classes, total: Words, number: int) -> Ints:
    """The movable block of each class; classes in blocks that cannot move get the block into their signature."""
    if not records:
        return np.full(perm.count, -1, dtype=np.int64)
    cls, block, record, part = _memberships(records, perm)
    np.add.at(total, cls, mix(number, record, part))
    live = cls != FROZEN
    count = int(block.max()) + 1
    root = components(perm.count + count, [(cls[live], perm.count + block[live])])
    rigid = _rigid(root, perm.count, cls, block, record)
    pinned = rigid[root[cls]] & live
    np.add.at(total, cls[pinned], mix(number + 1, part[pinned], block[pinned]))
    home = np.full(perm.count, -1, dtype=np.int64)
    free = live & ~rigid[root[cls]]
    home[cls[free]] = root[cls[free]]
    return home


def _memberships(records: list[Blocks], perm: Classes) -> tuple[Ints, Ints, Ints, Ints]:
    """Class, block (numbered over all records), record and part of every channel that is in a block."""
    columns: list[tuple[Ints, Ints, Ints, Ints]] = []
    start = 0
    for number, entry in enumerate(records):
        for part, (symbols, block) in enumerate(entry.parts):
            cls = perm.of[symbols]
            columns.append((cls, start + block, np.full_like(cls, number), np.full_like(cls, part)))
        start += 1 + max(int(block.max()) for _, block in entry.parts)
    return tuple(np.concatenate(column) for column in zip(*columns, strict=True))  # type: ignore[return-value]


def _rigid(root: Ints, classes: int, cls: Ints, block: Ints, record: Ints) -> NDArray[np.bool_]:
    """Components that cannot move as one block: two blocks of one record in them, or a frozen channel."""
    rigid = np.zeros(root.size, dtype=bool)
    home = root[classes + block]
    rigid[home[cls == FROZEN]] = True
    pairs = np.unique(np.stack([home, record, block]), axis=1)
    twice = np.flatnonzero((np.diff(pairs[0]) == 0) & (np.diff(pairs[1]) == 0))
    rigid[pairs[0][twice]] = True
    return rigid


def index_of(found: Places, source: Ints) -> Ints:
    """[n] the place from which each place is filled, if class c receives class source[c]."""
    index: Ints = found.order[found.start[source[found.cls]] + found.rank]
    return index


def positions(found: Places, members: Ints) -> Ints:
    """[len(members), multiplicity] the places of these classes, which all have the same number of them."""
    count = int(found.start[members[0] + 1] - found.start[members[0]])
    where: Ints = found.order[found.start[members][:, None] + np.arange(count)]
    return where
