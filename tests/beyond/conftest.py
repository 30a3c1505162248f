"""The packs of this folder, taken as `ownmark --pack FOLDER` takes them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ownmark import discovery
from ownmark.discovery import Catalog, discover
from ownmark.discovery.local import PACKS

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def packs() -> Iterator[Catalog]:
    """What is installed, and the packs of this folder."""
    folders = [str(path.parent) for path in sorted(HERE.glob("*/pyproject.toml"))]
    former, path = os.environ.get(PACKS), list(sys.path)
    os.environ[PACKS] = os.pathsep.join(folders)
    discovery.clear()
    found = discover()
    assert not [one for one in found.problems if one.distribution.startswith("trial-")]
    yield found
    sys.path[:] = path
    os.environ.pop(PACKS) if former is None else os.environ.update({PACKS: former})
    discovery.clear()
