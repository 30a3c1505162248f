"""Images from code of the user's own: what may be given, and that training and test stay apart."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from ownmark.builtin.datasets.config import FunctionConfig
from ownmark.builtin.datasets.function import Function
from ownmark.contracts import Images, Samples

FLOATS = torch.rand(20, 1, 4, 4, generator=torch.Generator().manual_seed(0))
BYTES = (FLOATS * 255).to(torch.uint8)
LABELS = torch.arange(20) % 2


def _cut(x: Any, y: Any) -> tuple[Any, Any, Any, Any]:
    return x[:15], y[:15], x[15:], y[15:]


def _images(x: torch.Tensor) -> Images:
    return Images(Samples(x[:15], LABELS[:15]), Samples(x[15:], LABELS[15:]), 2)


VIEWS: dict[str, Callable[[], Any]] = {
    "floats": lambda: _cut(FLOATS, LABELS),
    "doubles": lambda: _cut(FLOATS.double(), LABELS),
    "bytes": lambda: _cut(BYTES, LABELS),
    "numpy": lambda: _cut(np.asarray(FLOATS), np.asarray(LABELS)),
    "numpy, other labels": lambda: _cut(np.asarray(FLOATS), np.asarray(LABELS, np.int32)),
    "images of floats": lambda: _images(FLOATS),
    "images of bytes": lambda: _images(BYTES),
}


@pytest.mark.parametrize("given", VIEWS)
def test_cuts_of_one_array_are_copied(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("made_of_views")
    module.data = VIEWS[given]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "made_of_views", module)
    images = Function(FunctionConfig(target="made_of_views:data")).load()
    assert not images.train.pixels.shares_memory(images.test.pixels)
    ours = (images.train.labels, images.test.labels)
    assert ours[0].untyped_storage().data_ptr() != ours[1].untyped_storage().data_ptr()
    assert images.classes == 2
    for part, wanted in ((images.train, slice(0, 15)), (images.test, slice(15, 20))):
        assert torch.allclose(part.x, FLOATS[wanted], atol=1 / 255)
        assert torch.equal(part.labels, LABELS[wanted])
