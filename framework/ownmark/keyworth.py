"""What a key is worth: its entropy as the scheme states it, for `ownmark show`."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from ownmark.contracts.samples import Samples
from ownmark.contracts.scheme import Scheme
from ownmark.contracts.views import Task
from ownmark.discovery import discover
from ownmark.errors import OwnmarkError
from ownmark.methods import Declaration, Need
from ownmark.runner.decoys import key_bits

TASKS = {"8 x 8, grey": (1, 8, 8), "32 x 32, colour": (3, 32, 32)}
CLASSES = 10


def key_worth(method: Declaration) -> list[str]:
    """Entropy of the scheme's keys on two kinds of images with ten classes, and of its keyed mode if it has one."""
    modes: dict[str, dict[str, bool]] = {"key": {}}
    if "keyed" in getattr(method.load_config(), "__pydantic_fields__", {}):
        modes["key, keyed: true"] = {"keyed": True}
    return [f"{name}: {'; '.join(_told(method, params))}" for name, params in modes.items()]


def _told(method: Declaration, params: dict[str, bool]) -> Iterator[str]:
    for words, shape in TASKS.items():
        nothing = Samples(torch.zeros(0, *shape), torch.zeros(0, dtype=torch.int64))
        task = Task("show", shape, CLASSES, nothing, nothing if Need.UNSEEN in method.needs else None)
        try:
            scheme: Scheme = discover().build(method.kind, method.name, params)
            bits = key_bits(scheme, task)
        except OwnmarkError as error:
            yield f"cannot be told ({error})"
            return
        if bits is None:
            yield "its entropy is not stated"
            return
        said = "the same for everybody (whose mark it is cannot be told)" if bits == 0 else f"{bits:.0f} bits"
        yield f"{said} ({words})"
