"""`verify --sequential`: the same rate from fewer questions, asked until the evidence suffices.

Where a symbol's chance is known, the owner's symbols are asked one by one and bet on (`ownmark.stats.Betting`); fresh
keys would only estimate what is known. Elsewhere fresh keys are read in two stages (`staged`): a tenth of the symbols,
and, only if that does not decide, all symbols of the few that are ahead there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from ownmark.contracts.evidence import Evidence
from ownmark.contracts.extractor import Extractor
from ownmark.contracts.key import Key
from ownmark.contracts.views import BlackBox
from ownmark.ownership.staged import Staged
from ownmark.runner.decoys import MOST, decoy_rates
from ownmark.runner.verdict import Basis, verdict
from ownmark.stats import Betting, Decoys, Looks, least_decoys

Keys = Callable[[int], Key]
NO_PARTS = "this reader cannot read a part of a key; leave --sequential out"


def one_by_one(
    extractor: Extractor, view: BlackBox, key: Key, n: int, own: nn.Module | None
) -> Iterator[Evidence]:
    """Evidence of each of a key's n symbols, asked when it is wanted; none at all if the key cannot be cut."""
    for place in range(n):
        part = extractor.part(key, place, place + 1)
        if part is None:
            return
        yield extractor.extract(view, part, own)


def bet(symbols: Iterator[Evidence], chance: float, rate: float) -> tuple[Evidence, float] | None:
    """What was read until the wager won or the symbols ended, and the p-value that holds at any moment.

    Returns: None where there are no symbols, or one has another chance than `chance`.
    """
    bettor, seen, last = Betting(chance), [], None
    for last in symbols:
        if last.chance is None or last.chance > chance or last.n != 1:
            return None
        seen.append(last.matches)
        if bettor.see(bool(last.matches[0])) <= rate * (1 + 1e-12):
            break
    if last is None:
        return None
    return Evidence(torch.cat(seen), chance=last.chance, symbol=last.symbol), bettor.p_value


def verdict_of_bet(found: Evidence, p_value: float, basis: Basis) -> dict[str, Any]:
    """As `ownmark.runner.verdict.verdict`, decided by the wager.

    Args:
        basis: for as many symbols as were read.
    """
    told = verdict(found.hits, found.n, found.chance, basis)
    controls = basis.controls
    claim: bool | None = p_value <= basis.threshold.rate * (1 + 1e-12)
    if controls is not None:
        claim = None if not controls.powerful else claim and controls.knows
    return {
        **told,
        "claim": claim,
        "p_value": p_value,
        "p_exact": p_value,
        "decided_by": "betting",
        "no_decoys": "",
    }


def in_stages(
    extractor: Extractor,
    view: BlackBox,
    found: Evidence,
    keys: Keys,
    rate: float,
    queries: int,
    most: int | None,
    own: nn.Module | None,
) -> tuple[Decoys | None, str]:
    """The owner's rank among decoys, read in two stages; or why there is none.

    Args:
        found: of the whole key. keys: the i-th decoy. queries: images a key. most: images that may be sent.
    """
    count, begins = least_decoys(rate), Looks(rate, found.n).first
    if count > MOST:
        return None, f"a rate of {rate:g} takes {count} fresh keys"
    cut = [extractor.part(keys(i), 0, begins) for i in range(count)]
    if any(one is None for one in cut):
        return None, NO_PARTS
    first = count * -(-queries * begins // found.n)
    if most is not None and most < first:
        return None, f"the first symbols of {count} fresh keys take {first} images more"
    mine = int(found.matches[:begins].sum()) / begins
    staged = Staged(mine, decoy_rates(extractor, view, lambda i: cut[i] or keys(i), count, own))
    further = staged.read_on
    if most is not None and most - first < len(further) * queries:
        return staged.rank(), ""
    rates = decoy_rates(extractor, view, lambda i: keys(further[i]), len(further), own)
    return staged.rank(found.rate, rates), ""
