"""The sequential test of earlier versions, by which evidence is judged that they gathered."""

from __future__ import annotations

from torch import nn

from ownmark.contracts.evidence import Evidence
from ownmark.contracts.extractor import Extractor
from ownmark.contracts.views import BlackBox
from ownmark.ownership.early import NO_PARTS, Keys
from ownmark.runner.decoys import MOST, decoy_rates
from ownmark.stats import Decoys, Looks, rank_among


def look_twice(
    extractor: Extractor,
    view: BlackBox,
    found: Evidence,
    keys: Keys,
    rate: float,
    queries: int,
    most: int | None,
    own: nn.Module | None,
) -> tuple[Decoys | None, str]:
    """The decoys' rank by two looks, each at half the rate, reported as a rank at the full one; or why there is none.

    Args: as for `early.in_stages`.
    """
    looks = Looks(rate, found.n)
    if looks.decoys > 2 * MOST + 1:
        return None, f"a rate of {rate:g} takes {looks.decoys} fresh keys"
    cut = [extractor.part(keys(i), 0, looks.first) for i in range(looks.decoys)]
    if any(one is None for one in cut):
        return None, NO_PARTS
    first = looks.decoys * -(-queries * looks.first // found.n)
    if most is not None and most < first:
        return None, f"two looks take {first} images more"
    mine = found.matches[: looks.first].float().mean().item()
    ranked = rank_among(mine, decoy_rates(extractor, view, lambda i: cut[i] or keys(i), looks.decoys, own))
    left = None if most is None else most - first
    if looks.decided(ranked.p_value) is None and (left is None or left >= looks.decoys * queries):
        ranked = rank_among(found.rate, decoy_rates(extractor, view, keys, looks.decoys, own))
    return ranked.at_two_looks(), ""
