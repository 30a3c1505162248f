"""A folder of JPEG and PNG files, one directory a class; read from disk while training."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from ownmark.builtin.datasets.arrays import Arrays
from ownmark.builtin.datasets.config import FolderConfig
from ownmark.builtin.datasets.decoded import BadFile, decoded
from ownmark.builtin.datasets.listing import Listing, list_files
from ownmark.builtin.datasets.pictures import FAULTS, mode_for, picture
from ownmark.builtin.datasets.pixels import Bytes
from ownmark.contracts.dataset import Dataset, Images

SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})


class ImageFolder(Dataset):
    """One directory a class. Files are decoded once; the decoded set may be larger than memory."""

    config: FolderConfig

    def load(self) -> Images:
        """Decode what has not been decoded before."""
        return self._arrays[0].images(self.config)

    def check(self) -> None:
        """Look through the folder, opening nothing."""
        self._listing()

    def fingerprint(self) -> str:
        """Digest of the decoded images, labels and names of classes."""
        return self._arrays[1]

    def _listing(self) -> Listing:
        return list_files(self.config.path.expanduser(), SUFFIXES, self.config.test_share)

    @cached_property
    def _arrays(self) -> tuple[Arrays, str]:
        listing = self._listing()
        mode = _first_mode(listing, self.config.channels)
        about = {"kind": "images", "size": self.config.size, "mode": mode}

        def decode(path: Path) -> Bytes:
            return _decode(path, self.config.size, mode)

        return decoded(listing, decode, about, skip_bad=self.config.skip_bad)


def _decode(path: Path, size: int | None, mode: str) -> Bytes:
    try:
        with Image.open(path) as image:
            return picture(image, size, mode)
    except FAULTS as error:
        raise BadFile(_reason(error)) from error


def _reason(error: Exception) -> str:
    return "no picture" if isinstance(error, UnidentifiedImageError) else str(error) or type(error).__name__


def _first_mode(listing: Listing, channels: int | None) -> str:
    """Grey or colour, as the first training image that can be opened is."""
    for path, _ in listing.files["train"]:
        try:
            with Image.open(path) as image:
                return mode_for(image, channels)
        except FAULTS:
            continue
    return "RGB"
