"""Whether a worker is what the driver is: compared before anything is computed, said in sentences."""

from __future__ import annotations

import functools
import platform
from collections.abc import Iterable, Mapping
from typing import Any

from ownmark.runner.environment import packs, version_of
from ownmark.runner.sources import source_digest
from ownmark.version import __version__

_COMPARED = ("torch", "pytorch-lightning", "torchmetrics", "numpy")


@functools.cache
def facts() -> dict[str, Any]:
    """Versions of this process, and what ownmark's own sources mean."""
    return {
        "host": platform.node(),
        "python": ".".join(platform.python_version_tuple()[:2]),
        "ownmark": __version__,
        "core": source_digest("ownmark.runner.session"),
        "versions": {name: version_of(name) for name in _COMPARED},
        "packs": packs(),
    }


def differences(here: Mapping[str, Any], there: Mapping[str, Any], used: Iterable[str]) -> list[str]:
    """What would have to be installed on a worker, one sentence each; empty if it may work.

    Args:
        here, there: `facts` of driver and worker. used: distributions of the packs that the plan needs.
    """
    found = []
    if here["python"] != there["python"]:
        found.append(f"has Python {there['python']}, here is {here['python']}; use the same there")
    if here["ownmark"] != there["ownmark"]:
        found.append(_version("ownmark", here["ownmark"], there["ownmark"]))
    elif here["core"] != there["core"]:
        found.append("has other sources of ownmark under the same version; install the same there")
    for name, version in here["versions"].items():
        if there["versions"].get(name, "") != version:
            found.append(_version(name, version, there["versions"].get(name, "")))
    for name in sorted(set(used) & set(here["packs"])):
        version = here["packs"][name]
        if there["packs"].get(name, "") != version:
            found.append(_version(name, version, there["packs"].get(name, "")))
    return [f"worker {there['host']} {one}" for one in found]


def _version(name: str, here: str, there: str) -> str:
    has = f"has {name} {there}" if there else f"lacks {name}"
    return f"{has}, here is {here}; there: pip install {name}=={here.partition('+')[0]}"
