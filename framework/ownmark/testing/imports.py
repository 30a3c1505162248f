"""What can be listed on a machine without torch: asked in another process, once for each set of places."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache

from ownmark.discovery import discover
from ownmark.discovery.local import PACKS

PLACES = (PACKS, "PYTHONPATH")
"""Variables that say where packs lie."""
HEAVY = ("torch", "pydantic", "pytorch_lightning", "lightning", "torchmetrics", "numpy", "scipy", "sklearn")

_SCRIPT = """
import json, sys
sys.modules.update(dict.fromkeys({heavy!r}))  # None forbids the import
from ownmark.discovery import discover
print(json.dumps([f"{{m.kind}}:{{m.name}}" for m in discover().methods]))
"""


def light_methods() -> frozenset[str]:
    """`kind:pack/id` of every method that is listed without any heavy import, of packs in folders too."""
    return _listed(tuple(os.environ.get(name, "") for name in PLACES))


@cache
def _listed(places: tuple[str, ...]) -> frozenset[str]:
    """The same where packs lie in `places`, the values of `PLACES`."""
    code = _SCRIPT.format(heavy=HEAVY)
    environment = os.environ | dict(zip(PLACES, places, strict=True))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    return frozenset(json.loads(done.stdout.splitlines()[-1]))


def installed_distributions() -> frozenset[str]:
    """Distributions with entry points of ours."""
    return frozenset(pack.distribution for pack in discover().packs)
