"""The folder with the standard sets' files, named by the environment variable `OWNMARK_DATA`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ownmark.errors import DataError

VARIABLE = "OWNMARK_DATA"
_HELP = f"name the folder that holds it by {VARIABLE}, as in: export {VARIABLE}=/path/to/folder"


def locate(name: str, files: Sequence[str]) -> list[Path]:
    """Paths of a set's files in the folder.

    Raises:
        DataError: which file was looked for, where, and how to say where it is.
    """
    folder = os.environ.get(VARIABLE)
    if not folder:
        raise DataError(f"{name}: needs the file {files[0]}, and {VARIABLE} is not set; {_HELP}")
    if not Path(folder).is_dir():
        raise DataError(f"{name}: needs the file {files[0]}, and {VARIABLE}={folder} is no folder; {_HELP}")
    paths = [Path(folder) / file for file in files]
    for path in paths:
        if not path.is_file():
            raise DataError(f"{name}: the file {path.name} is not in {folder} ({VARIABLE}); {_HELP}")
    return paths
