"""Tasks: what goes into a network, and what it is asked to make of it. Who needs pixels, or classes, says so."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ownmark.errors import NotApplicable
from ownmark.methods import Need

if TYPE_CHECKING:
    from ownmark.contracts.samples import Samples

Shape = tuple[int, ...]
"""Of one input: channels, height, width of pixels; samples of a waveform; length of a text."""


class Form(str, Enum):
    """What the numbers of an input are."""

    PIXELS = "pixels"
    """float32 [C, H, W] in [0, 1]: images, and spectrograms taken for images."""
    WAVES = "waveforms"
    """float32 [T] or [C, T] in [-1, 1]."""
    TOKENS = "tokens"
    """int64 [L], ids below a vocabulary's size; 0 is padding."""

    def __str__(self) -> str:
        return self.value


class Goal(str, Enum):
    """What a network makes of what it is given; whoever trains, asks or judges it goes by this."""

    CLASSIFICATION = "classification"
    """Logits [N, classes] of inputs with labels int64 [N]."""
    GENERATION = "generation"
    """Inputs of the data's form [N, ...] out of latent vectors [N, Z]."""
    CAPTIONING = "captioning"
    """Token ids int64 [N, L] of inputs with reference texts int64 [N, R, L]; 0 is padding, `classes` the vocabulary."""

    def __str__(self) -> str:
        return self.value


_RANGE = {Form.PIXELS: (0.0, 1.0), Form.WAVES: (-1.0, 1.0)}
_DIMENSIONS = {Form.PIXELS: (3,), Form.WAVES: (1, 2), Form.TOKENS: (1,)}


@dataclass(frozen=True)
class Inputs:
    """What is known of inputs beside their shape.

    Args:
        form: what the numbers are. tokens: how many token ids there are; 0 for other forms.
    """

    form: Form = Form.PIXELS
    tokens: int = 0

    @property
    def dtype(self) -> torch.dtype:
        """Of inputs as networks take them."""
        return torch.int64 if self.form is Form.TOKENS else torch.float32

    @property
    def range(self) -> tuple[float, float]:
        """Least and greatest value."""
        return _RANGE.get(self.form, (0.0, float(max(self.tokens - 1, 0))))

    def random(self, count: int, shape: Shape, rng: torch.Generator) -> Tensor:
        """Inputs [count, *shape] of even noise; of tokens any ids but padding."""
        if self.form is Form.TOKENS:
            return torch.randint(1, max(self.tokens, 2), (count, *shape), generator=rng)
        low, high = self.range
        return low + (high - low) * torch.rand((count, *shape), generator=rng)

    def fault(self, x: Tensor) -> str:
        """What inputs [N, ...] have that this form has not; nothing if they are of it."""
        if x.ndim - 1 not in _DIMENSIONS[self.form] or x.dtype != self.dtype:
            found = f"{str(x.dtype).removeprefix('torch.')} {list(x.shape)}"
            return f"expected {self.form} ({str(self.dtype).removeprefix('torch.')}), found {found}"
        low, high = self.range
        if not len(x) or (bool((x >= low).all()) and bool((x <= high).all())):
            return ""
        return (
            f"expected {self.form} from {low:g} to {high:g}, found {float(x.min()):g} to {float(x.max()):g}"
        )


PIXELS = Inputs()
"""What inputs are unless something else is said."""
FORMS = {Need(form.value): form for form in Form}
"""Needs that name a form of inputs."""
GOALS = {Need(goal.value): goal for goal in Goal}
"""Needs that name a goal."""


def require_fit(needs: Collection[Need], inputs: Inputs, goal: Goal) -> None:
    """A method with these needs works on a task of these inputs and this goal; of several named, any will do.

    Raises:
        NotApplicable: it does not, in one sentence.
    """
    for known, found, what in ((FORMS, inputs.form, "inputs"), (GOALS, goal, "goal")):
        wanted = [one.value for need, one in known.items() if need in needs]
        if wanted and found.value not in wanted:
            is_ = "are" if what == "inputs" else "is"
            raise NotApplicable(f"it needs {' or '.join(wanted)}, and the task's {what} {is_} {found}")


def require_data(goal: Goal, samples: Samples) -> None:
    """These samples can be learnt for this goal.

    Raises:
        NotApplicable: they have no labels, or labels of another kind.
    """
    y = samples.y
    captions = y is not None and y.ndim == 3 and y.dtype == torch.int64
    if goal is Goal.CLASSIFICATION and (y is None or captions):
        raise NotApplicable(f"classification needs one label an input, and there are {_said(captions)}")
    if goal is Goal.CAPTIONING and not captions:
        raise NotApplicable("captioning needs reference texts, int64 [N, R, L], and there are none")


def _said(captions: bool) -> str:
    return "reference texts" if captions else "none"
