"""Datasets: sources of images, or of other inputs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from ownmark.contracts.samples import Samples
from ownmark.contracts.tasks import PIXELS, Inputs, Shape


@dataclass(frozen=True)
class Images:
    """A dataset in memory, or in files that are read batch by batch.

    Args:
        train, test: labelled samples on the CPU: float32 in [0, 1] or uint8, [N, C, H, W]; or as `inputs` says.
        classes: number of labels; for captions, of token ids in them.
        notes: what people should know of the data, one sentence each; told before a run and in its report.
        inputs: what the samples are, if not pixels. words: what token ids mean, for people; an empty one is not said.
    """

    train: Samples
    test: Samples
    classes: int
    notes: tuple[str, ...] = ()
    inputs: Inputs = PIXELS
    words: tuple[str, ...] = ()

    @property
    def shape(self) -> Shape:
        """Of one input: of pixels channels, height, width."""
        return tuple(self.train.shape)


class Dataset(ABC):
    """Loads images, or other inputs.

    Args:
        config: the declaration's parameter class, or None.
    """

    def __init__(self, config: Any = None) -> None:
        self.config = config

    @abstractmethod
    def load(self) -> Images:
        """Read the data.

        Raises:
            DataError: naming file, field, what was expected and what was found.
        """

    def check(self) -> None:
        """Raise `DataError` early, without reading everything, if the data is not there."""
        return None

    def fingerprint(self) -> str:
        """Changes when the data behind the same parameters changes; part of every store key."""
        return ""
