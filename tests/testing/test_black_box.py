"""A black-box suspect has no parameters: no network can be reached from it by looking."""

from __future__ import annotations

from typing import Any

import pytest
from torch import Tensor, nn

from ownmark.contracts import BlackBox, black_box


def reachable(thing: Any, depth: int = 4) -> list[Any]:
    """Everything behind public names and in `__dict__`, containers opened."""
    if depth == 0 or isinstance(thing, (str, bytes, int, float, Tensor, type(None))):
        return [thing]
    named = [getattr(thing, name) for name in dir(thing) if not name.startswith("_")]
    held = [*vars(thing).values()] if hasattr(thing, "__dict__") else []
    inside = (
        [*thing.values()] if isinstance(thing, dict) else [*thing] if isinstance(thing, (list, tuple)) else []
    )
    parts = [*named, *held, *inside] if isinstance(thing, (BlackBox, nn.Module)) else [*held, *inside]
    return [thing, *(found for part in parts for found in reachable(part, depth - 1))]


def networks(thing: Any) -> list[nn.Module]:
    return [found for found in reachable(thing) if isinstance(found, nn.Module)]


def test_no_network_can_be_reached_from_a_black_box() -> None:
    assert networks(black_box(nn.Linear(2, 2))) == []


@pytest.mark.parametrize("hide", [lambda network: network, lambda network: {"deep": [network]}])
def test_the_search_finds_networks_where_there_are_some(hide: Any) -> None:
    box = black_box(nn.Linear(2, 2))
    box.secret = hide(nn.Linear(2, 2))  # type: ignore[attr-defined]
    assert len(networks(box)) > 0
