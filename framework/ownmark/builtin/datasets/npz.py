"""The user's own images, from one `.npz` file."""

from __future__ import annotations

from pathlib import Path

from ownmark.builtin.datasets.archive import file_digest, opened
from ownmark.builtin.datasets.arrays import read_arrays, read_labels
from ownmark.builtin.datasets.config import NpzConfig
from ownmark.contracts.dataset import Dataset, Images


class Npz(Dataset):
    """Images and labels of one `.npz` file; its fields are described at `NpzConfig.path`."""

    config: NpzConfig

    @property
    def path(self) -> Path:
        """The file, a leading `~` resolved."""
        return self.config.path.expanduser()

    def load(self) -> Images:
        """Read the file."""
        with opened(self.path) as archive:
            return read_arrays(archive, self.config.classes).images(self.config)

    def check(self) -> None:
        """Read the labels only."""
        with opened(self.path) as archive:
            read_labels(archive, self.config.classes)

    def fingerprint(self) -> str:
        """Digest of the file."""
        return file_digest(self.path)
