"""What a user names as `package.module:name`: installed, on PYTHONPATH, or in the folder where the command is given.

The folder is looked into for names that nothing installed has, and only where code that a user named is to be run.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any


def named(target: str) -> Any:
    """The object `package.module:name`.

    Raises:
        ImportError, AttributeError: there is none. Exception: importing its module fails.
    """
    module, _, name = target.partition(":")
    top = module.partition(".")[0]
    if place_of(top) is not None and (folder := str(Path.cwd())) not in sys.path:
        sys.path.append(folder)  # stays, as what is imported may import its neighbours later
    return getattr(importlib.import_module(module), name)


def place_of(top: str) -> Path | None:
    """The file or folder of a top-level module in the current folder; None if there is none, or one is installed."""
    try:
        if top in sys.modules or importlib.util.find_spec(top) is not None:
            return None
    except (ImportError, ValueError):
        return None
    folder = Path.cwd()
    return next((path for path in (folder / f"{top}.py", folder / top) if path.exists()), None)
