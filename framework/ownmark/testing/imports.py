"""What can be listed on a machine without torch: asked once, in another process."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

from ownmark.discovery import discover

HEAVY = ("torch", "pydantic", "pytorch_lightning", "lightning", "torchmetrics", "numpy", "scipy", "sklearn")

_SCRIPT = """
import json, sys
sys.modules.update(dict.fromkeys({heavy!r}))  # None forbids the import
from ownmark.discovery import discover
print(json.dumps([f"{{m.kind}}:{{m.name}}" for m in discover().methods]))
"""


@cache
def light_methods() -> frozenset[str]:
    """`kind:pack/id` of every installed method that is listed without any heavy import."""
    code = _SCRIPT.format(heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return frozenset(json.loads(done.stdout.splitlines()[-1]))


def installed_distributions() -> frozenset[str]:
    """Distributions with entry points of ours."""
    return frozenset(pack.distribution for pack in discover().packs)
