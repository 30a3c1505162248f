"""Datasets: sources of images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from ownmark.contracts.samples import Samples


@dataclass(frozen=True)
class Images:
    """A dataset in memory, or in files that are read batch by batch.

    Args:
        train, test: labelled samples on the CPU: float32 in [0, 1] or uint8, [N, C, H, W].
        classes: number of labels.
        notes: what people should know of the data, one sentence each; told before a run and in its report.
    """

    train: Samples
    test: Samples
    classes: int
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        channels, height, width = self.train.shape
        return channels, height, width


class Dataset(ABC):
    """Loads images.

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
