"""Which neuron of the suspect is which of the owner's: one assignment for each group of exchangeable neurons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from ownmark_invariance.grouping import Groups
from ownmark_invariance.grouping.structure import places
from ownmark_invariance.grouping.symbols import FROZEN, Ints

Floats = NDArray[np.float64]


def scores(groups: Groups, likeness: Mapping[str, Floats]) -> dict[int, Floats]:
    """Likeness of the neurons of each group, summed over the layers that show it: bucket -> [size, size].

    Args:
        likeness: by layer, [C, C] correlation of the owner's neurons (rows) with the suspect's (columns). Where signs
            may have been flipped, its magnitude counts.
    """
    members = {group.id: np.flatnonzero(groups.structure.bucket == group.id) for group in groups.groups}
    total = {number: np.zeros((len(inside),) * 2) for number, inside in members.items()}
    for layer in groups.layers:
        if layer.name not in likeness:
            continue
        table = likeness[layer.name]
        free = groups.sign.of[layer.out.sign] != FROZEN
        table = np.where(free[:, None] | free[None, :], np.abs(table), table)
        found = places(layer.out.perm, groups.perm)
        for number in np.unique(groups.structure.bucket[found.cls]).tolist():
            if number in members:
                total[number] += _of_classes(table, found.order, found.start, members[number])
    return total


def _of_classes(table: Floats, order: Ints, start: Ints, members: Ints) -> Floats:
    """Likeness of classes: the sum over the places that each takes in the layer."""
    count = int(start[members[0] + 1] - start[members[0]])
    summed = np.zeros((len(members), len(members)))
    for k in range(count):
        where = order[start[members] + k]
        summed += table[np.ix_(where, where)]
    return summed


def best(score: Floats) -> Ints:
    """[n] the column for each row, so that the sum of the scores is largest."""
    columns: Ints = linear_sum_assignment(score, maximize=True)[1]
    return columns


def assign(groups: Groups, score: Mapping[int, Floats]) -> Ints:
    """[classes] the suspect's class that takes the place of each of the owner's; blocks move as a whole."""
    source = np.arange(groups.perm.count)
    blocks: dict[int, dict[int, Ints]] = defaultdict(dict)
    for number in score:
        members = np.flatnonzero(groups.structure.bucket == number)
        home = groups.structure.block[members]
        loose = np.flatnonzero(home < 0)
        source[members[loose]] = members[loose][best(score[number][np.ix_(loose, loose)])]
        for block in np.unique(home[home >= 0]).tolist():
            blocks[block][number] = np.flatnonzero(home == block)
    for alike in _alike(blocks):
        for target, origin in _blocks_matched(alike, blocks, score):
            for number, rows in blocks[target].items():
                members = np.flatnonzero(groups.structure.bucket == number)
                columns = blocks[origin][number]
                source[members[rows]] = members[columns[best(score[number][np.ix_(rows, columns)])]]
    return source


def _alike(blocks: Mapping[int, Mapping[int, Ints]]) -> Iterator[list[int]]:
    """Blocks that may change places: those with equally many neurons of the same groups."""
    kinds: dict[tuple[tuple[int, int], ...], list[int]] = defaultdict(list)
    for block, parts in blocks.items():
        kinds[tuple(sorted((number, len(rows)) for number, rows in parts.items()))].append(block)
    yield from kinds.values()


def _blocks_matched(
    alike: list[int], blocks: Mapping[int, Mapping[int, Ints]], score: Mapping[int, Floats]
) -> Iterator[tuple[int, int]]:
    """Pairs of the owner's block and the suspect's, by the best that their neurons can do together."""
    worth = np.zeros((len(alike), len(alike)))
    for i, target in enumerate(alike):
        for j, origin in enumerate(alike):
            for number, rows in blocks[target].items():
                part = score[number][np.ix_(rows, blocks[origin][number])]
                worth[i, j] += part[np.arange(len(rows)), best(part)].sum()
    yield from ((alike[i], alike[j]) for i, j in enumerate(best(worth).tolist()))
