"""ownmark: mark neural networks as yours, read the mark back, try to remove it, and learn what can be claimed.

    from ownmark import run
    run("quickstart")

On live objects: `mark = ownmark.mark(model, (images, labels))`, then `mark.released` and `mark.verify(suspect)`.

The main job is `run(plan)` (`ownmark run PLAN` on the command line): datasets x hosts x schemes x attacks x seeds go
in, one record per cell and a report come out. Names are imported on first use, so `import ownmark` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ownmark.version import __version__ as __version__

_HOMES = {
    "Attack": "contracts", "Dataset": "contracts", "Evidence": "contracts", "Extractor": "contracts",
    "Host": "contracts", "Key": "contracts", "Recipe": "contracts", "Samples": "contracts", "Scheme": "contracts",
    "Catalog": "discovery", "discover": "discovery",
    "attack": "api", "load": "api", "mark": "api", "study": "api", "verify": "api",
    "Declaration": "methods", "Kind": "methods", "Need": "methods", "Paper": "methods",
    "configuration": "config", "hookimpl": "hookspecs",
    "load_plan": "runner", "run": "runner",
}  # fmt: skip

__all__ = [
    "Attack", "Catalog", "Dataset", "Declaration", "Evidence", "Extractor", "Host", "Key", "Kind", "Need", "Paper",
    "Recipe", "Samples", "Scheme", "attack", "configuration", "discover", "hookimpl", "load", "load_plan", "mark",
    "run", "study", "verify",
]  # fmt: skip

if TYPE_CHECKING:
    from ownmark.api import attack, load, mark, study, verify
    from ownmark.config import configuration
    from ownmark.contracts import Attack, Dataset, Evidence, Extractor, Host, Key, Recipe, Samples, Scheme
    from ownmark.discovery import Catalog, discover
    from ownmark.hookspecs import hookimpl
    from ownmark.methods import Declaration, Kind, Need, Paper
    from ownmark.runner import load_plan, run


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ownmark' has no attribute {name!r}")
    return getattr(importlib.import_module(f"ownmark.{_HOMES[name]}"), name)
