"""Files of folders that may have come from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ownmark import strictjson
from ownmark.errors import UntrustedFile
from ownmark.foreign import lies_in, shown
from ownmark.runner.cell import Spec, canonical

LARGEST = 2**24
"""Bytes of a JSON file, at most."""


def inside(folder: Path, name: str) -> Path:
    """The file of that name in a folder, which may have come from anywhere.

    Raises:
        UntrustedFile: it is a link that leads out of the folder, or a pipe, a device or a folder.
    """
    path = folder / name
    if path.is_symlink() and not lies_in(folder, path):
        raise UntrustedFile(f"{path}: a link that leads out of the folder; put the file itself there")
    if path.exists() and not path.is_file():
        raise UntrustedFile(f"{path}: not a file")
    return path


def json_of(path: Path, *expected: str) -> dict[str, Any]:
    """A JSON object of one of the expected formats, which may have come from anywhere.

    Raises:
        UntrustedFile: it is none.
    """
    try:
        about = strictjson.read(path, LARGEST)
    except (OSError, ValueError) as error:
        raise UntrustedFile(f"{path}: cannot be read ({shown(error)})") from error
    if not isinstance(about, dict) or about.get("format") not in expected:
        found = about.get("format") if isinstance(about, dict) else about
        raise UntrustedFile(f"{path}: expected {expected[0]!r}, found {found!r:.60}")
    return about


def spec_of(described: Mapping[str, Any]) -> Spec:
    """A method as it was written down."""
    return Spec(str(described["id"]), canonical(dict(described["params"])), str(described["label"]))
