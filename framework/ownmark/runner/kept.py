"""Decoys that a key which was born in embedding keeps; the same for `run`, `audit` and `verify`."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ownmark.contracts.key import Key
from ownmark.contracts.returned import returned
from ownmark.contracts.scheme import Scheme
from ownmark.contracts.spare import SpareKeys
from ownmark.runner.verdict import BORN

UNLIKE = f"{BORN}, and for others none can be had"
"""Why there are no decoys of a key that keeps none, and what that means."""


def kept_keys(
    scheme: Scheme, key: Key, rng: Callable[[int], torch.Generator], device: torch.device
) -> Callable[[int], Key] | None:
    """The i-th decoy of an embedded key; None if it keeps nothing to make one of."""
    if not isinstance(scheme, SpareKeys) or scheme.decoy(key, rng(0)) is None:
        return None
    return lambda i: returned(scheme.decoy(key, rng(i)), Key, "decoy").to(device)
