"""Inputs with or without labels, and the batches a training step sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, overload

import torch
from torch import Tensor, nn

from ownmark.contracts.pixels import Pixels


class _AsFloats:
    """The field `Samples.x`: kept as `Pixels`, read as floats."""

    @overload
    def __get__(self, samples: None, owner: type[Any]) -> _AsFloats: ...
    @overload
    def __get__(self, samples: Samples, owner: type[Any]) -> Tensor: ...
    def __get__(self, samples: Samples | None, owner: type[Any]) -> _AsFloats | Tensor:
        if samples is None:
            raise AttributeError("x")  # for dataclass: there is no default
        return samples.pixels.read()

    def __set__(self, samples: Samples, x: Tensor | Pixels) -> None:
        samples.__dict__["pixels"] = x if isinstance(x, Pixels) else Pixels((x,))


@dataclass(frozen=True)
class Samples:
    """A set of inputs on one device, or in a file that is read batch by batch.

    Args:
        x: pixels in [0, 1], float32 [N, C, H, W]; never normalised (normalisation lives inside the network). Given as
            uint8 0..255 they are kept so, a quarter of the memory, and `x` gives level / 255, the same to the bit;
            it is computed each time, so ask `shape` and `device` for these, and `select` for some of many. Of tasks
            of other inputs, those: token ids int64 [N, L], waveforms float32 [N, T] (`contracts.tasks.Form`).
        y: labels, int64 [N] (or whatever the task's loss takes, first dimension N); None when unlabelled.
    """

    x: _AsFloats = _AsFloats()
    y: Tensor | None = None

    pixels: Pixels = field(init=False, repr=False, compare=False)
    """As they are kept; follows from `x`."""

    def __post_init__(self) -> None:
        if self.y is not None and len(self.y) != len(self):
            raise ValueError(f"{len(self)} images but {len(self.y)} labels")

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def shape(self) -> torch.Size:
        """Of one input: channels, height, width."""
        return self.pixels.shape

    @property
    def device(self) -> torch.device:
        """Where `x` is given, and the labels are."""
        return self.pixels.device

    @property
    def labels(self) -> Tensor:
        """The labels; an error when there are none."""
        if self.y is None:
            raise ValueError("these samples are unlabelled")
        return self.y

    def select(self, index: Tensor) -> Samples:
        """Rows `index` (int64 positions or a boolean mask), in that order."""
        index = index.to(self.device)
        return Samples(self.pixels.take(index), None if self.y is None else self.y[index])

    def first(self, count: int) -> Samples:
        """The first `count` of them, or all if there are fewer."""
        return self.select(torch.arange(min(count, len(self))))

    def unlabelled(self) -> Samples:
        """The same images without their labels."""
        return Samples(self.pixels)

    def labelled(self, y: Tensor) -> Samples:
        """The same images with other labels [N], wherever these lie."""
        return Samples(self.pixels, y.to(self.device))

    def to(self, device: torch.device | str) -> Samples:
        """The same samples on another device."""
        return Samples(self.pixels.to(device), None if self.y is None else self.y.to(device))

    def __add__(self, other: Samples) -> Samples:
        """Both sets, one after the other; labelled only if both are."""
        pixels = self.pixels + other.pixels
        if self.y is None or other.y is None:
            return Samples(pixels)
        return Samples(pixels, torch.cat([self.y, other.y.to(self.y)]))


@dataclass
class Batch:
    """What loss terms and batch transforms see of one training step.

    Args:
        x: pixels [B, C, H, W], y: labels [B] or None, index: positions in the training samples [B]; rows that a
            transform appended carry -1.
    """

    x: Tensor
    y: Tensor | None
    index: Tensor
    _output: tuple[nn.Module, Tensor] | None = field(default=None, repr=False)

    @property
    def labels(self) -> Tensor:
        """The labels; an error when there are none."""
        if self.y is None:
            raise ValueError("this batch is unlabelled")
        return self.y

    def output(self, network: nn.Module) -> Tensor:
        """`network(x)`, computed once a step however many terms ask for it."""
        if self._output is None or self._output[0] is not network:
            self._output = (network, network(self.x))
        return self._output[1]

    def with_images(self, x: Tensor) -> Batch:
        """The same rows with other pixels."""
        return replace(self, x=x, _output=None)

    def append(self, samples: Samples) -> Batch:
        """This batch followed by `samples`, whose rows get index -1."""
        extra = torch.full((len(samples),), -1, dtype=self.index.dtype, device=self.index.device)
        y = None if self.y is None else torch.cat([self.y, samples.labels.to(self.y)])
        return Batch(torch.cat([self.x, samples.x.to(self.x)]), y, torch.cat([self.index, extra]))


Term = Callable[[nn.Module, Batch, int], Tensor]
"""A loss term: (network in train mode, batch, step counted from 0) -> scalar."""

Transform = Callable[[Batch, torch.Generator], Batch]
"""A batch transform, batched and on the device; draws only from the generator it is given."""

T = TypeVar("T", bound=Callable[..., object])


def capturable(function: T) -> T:
    """Say that a term or transform may be recorded once and replayed at every step, as CUDA graphs do.

    Such a function only turns tensors into tensors of shapes that depend on its inputs' shapes alone. It draws from
    nothing but the generator it is given, ignores `step`, and keeps no state in Python: code that is not a tensor
    operation runs once, when the step is recorded.
    """
    function.capturable = True  # type: ignore[attr-defined]
    return function


def is_capturable(function: Callable[..., object]) -> bool:
    """Whether `capturable` was said of it."""
    return getattr(function, "capturable", False) is True
