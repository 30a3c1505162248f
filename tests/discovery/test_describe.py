"""What `ownmark show` says of parameters is for people: no inner name of a library in any method's."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import Field

from ownmark.config import Count, configuration
from ownmark.describe import parameters
from ownmark.discovery import discover


@configuration
class Some:
    """Numbers that may be left out."""

    bits: Count | None = None
    """Bounded, by name."""
    share: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Bounded, in place."""
    sizes: tuple[Count, ...] = (1,)
    """Several."""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bits", "int or None >= 1 <= 1000000"),
        ("share", "float or None > 0 < 1"),
        ("sizes", "tuple[int, ...]"),
    ],
)
def test_a_type_with_its_bounds(name: str, said: str) -> None:
    assert {row[0]: row[1] for row in parameters(Some)}[name] == said


def test_no_method_shows_the_inside_of_its_types() -> None:
    configs = [(one.name, one.load_config()) for one in discover().methods if one.config and not one.requires]
    told = [(name, row[1]) for name, config in configs for row in parameters(config)]
    assert len(told) > 100
    assert [one for one in told if "Annotated" in one[1] or "FieldInfo" in one[1]] == []
