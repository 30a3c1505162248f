"""A dataset that is a folder of files, one directory a class, decoded once and read from disk while training."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import Any

from ownmark.builtin.datasets.arrays import Arrays
from ownmark.builtin.datasets.config import FilesConfig
from ownmark.builtin.datasets.decoded import Decode, decoded
from ownmark.builtin.datasets.listing import Listing, list_files
from ownmark.contracts.dataset import Dataset, Images


class DecodedFolder(Dataset):
    """The decoded set may be larger than memory.

    Args:
        suffixes: of the files that count, in small letters.
    """

    config: FilesConfig
    suffixes: frozenset[str]

    @abstractmethod
    def decoding(self, listing: Listing) -> tuple[dict[str, Any], Decode]:
        """What decoding depends on, JSON-ready, and the decoding of one file."""

    def load(self) -> Images:
        """Decode what has not been decoded before."""
        return self._arrays[0].images(self.config)

    def check(self) -> None:
        """Look through the folder, opening nothing."""
        self._listing()

    def fingerprint(self) -> str:
        """Digest of the decoded files, labels and names of classes."""
        return self._arrays[1]

    def _listing(self) -> Listing:
        return list_files(self.config.path.expanduser(), self.suffixes, self.config.test_share)

    @cached_property
    def _arrays(self) -> tuple[Arrays, str]:
        listing = self._listing()
        about, decode = self.decoding(listing)
        return decoded(listing, decode, about, skip_bad=self.config.skip_bad)
