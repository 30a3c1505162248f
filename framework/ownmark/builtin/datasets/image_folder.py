"""A folder of JPEG and PNG files, one directory a class; read from disk while training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from ownmark.builtin.datasets.config import FolderConfig
from ownmark.builtin.datasets.decoded import BadFile, Decode
from ownmark.builtin.datasets.decoded_folder import DecodedFolder
from ownmark.builtin.datasets.listing import Listing
from ownmark.builtin.datasets.pictures import FAULTS, mode_for, picture
from ownmark.builtin.datasets.pixels import Bytes


class ImageFolder(DecodedFolder):
    """JPEG and PNG files."""

    config: FolderConfig
    suffixes = frozenset({".jpg", ".jpeg", ".png"})

    def decoding(self, listing: Listing) -> tuple[dict[str, Any], Decode]:
        """See `DecodedFolder.decoding`."""
        size, mode = self.config.size, _first_mode(listing, self.config.channels)

        def decode(path: Path) -> Bytes:
            return _decode(path, size, mode)

        return {"kind": "images", "size": size, "mode": mode}, decode


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
