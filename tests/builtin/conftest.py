"""Shared: a small valid `.npz` set, and the folder of the real sets."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Write = Callable[..., Path]


def valid_fields() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (12, 6, 5, 3), dtype=np.uint8),
        "y_train": np.arange(12, dtype=np.uint8) % 3,
        "x_test": rng.integers(0, 256, (6, 6, 5, 3), dtype=np.uint8),
        "y_test": np.arange(6, dtype=np.uint8) % 3,
    }


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the valid set with some fields changed (None leaves one out), returns the path."""

    def save(name: str = "mine.npz", **changes: Any) -> Path:
        fields = {key: value for key, value in {**valid_fields(), **changes}.items() if value is not None}
        np.savez_compressed(tmp_path / name, **fields)
        return tmp_path / name

    return save


def _encode(images: Any) -> Any:
    r, g, b = (images[..., i].astype(int) for i in range(3))
    planes = np.stack([g, r - g, b - g], axis=1)
    along_x = np.diff(planes, axis=3, prepend=0)
    return (np.diff(along_x, axis=2, prepend=0) % 256).astype(np.uint8)


@pytest.fixture
def encode() -> Callable[[Any], Any]:
    """RGB [N, H, W, 3] -> the planes of `r_` fields [N, 3, H, W]: the coding as it is defined, inverse of `decode`."""
    return _encode


@pytest.fixture
def real_sets() -> Path:
    folder = os.environ.get("OWNMARK_DATA")
    if not folder:
        pytest.skip("OWNMARK_DATA does not name the folder of the image sets")
    return Path(folder)
