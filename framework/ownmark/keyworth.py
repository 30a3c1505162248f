"""What a key is worth: its entropy as the scheme states it, for `ownmark show`."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from ownmark.contracts.samples import Samples
from ownmark.contracts.scheme import Scheme
from ownmark.contracts.tasks import GOALS, PIXELS, Form, Goal, Inputs, Shape
from ownmark.contracts.views import Task
from ownmark.discovery import discover
from ownmark.errors import OwnmarkError
from ownmark.methods import Declaration, Need
from ownmark.runner.decoys import key_bits

TASKS: dict[Need, dict[str, tuple[Shape, Inputs]]] = {
    Need.PIXELS: {"8 x 8, grey": ((1, 8, 8), PIXELS), "32 x 32, colour": ((3, 32, 32), PIXELS)},
    Need.WAVES: {"one second": ((16_000,), Inputs(Form.WAVES))},
    Need.TOKENS: {"32 of 1,000 tokens": ((32,), Inputs(Form.TOKENS, 1000))},
}
CLASSES = 10


def key_worth(method: Declaration) -> list[str]:
    """Entropy of the scheme's keys on inputs of its form with ten classes, and of its keyed mode if it has one."""
    modes: dict[str, dict[str, bool]] = {"key": {}}
    if "keyed" in getattr(method.load_config(), "__pydantic_fields__", {}):
        modes["key, keyed: true"] = {"keyed": True}
    return [f"{name}: {'; '.join(_told(method, params))}" for name, params in modes.items()]


def _told(method: Declaration, params: dict[str, bool]) -> Iterator[str]:
    form = next((need for need in TASKS if need in method.demands), Need.PIXELS)
    goal = next((goal for need, goal in GOALS.items() if need in method.demands), Goal.CLASSIFICATION)
    for words, (shape, inputs) in TASKS[form].items():
        nothing = Samples(torch.zeros((0, *shape), dtype=inputs.dtype), torch.zeros(0, dtype=torch.int64))
        unseen = nothing if Need.UNSEEN in method.needs else None
        task = Task("show", shape, CLASSES, nothing, unseen, inputs, goal)
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
