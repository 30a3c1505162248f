"""In what a stage was computed: versions and device. Kept with every entry; it is in no digest unless a plan asks."""

from __future__ import annotations

import functools
import platform
from collections.abc import Mapping
from typing import Any

from ownmark.version import __version__

UNKNOWN = "not recorded"


@functools.cache
def environment(device: str) -> dict[str, str]:
    """Versions and device of this process."""
    import torch

    name = (
        torch.cuda.get_device_name(device)
        if device.startswith("cuda")
        else platform.processor() or platform.machine()
    )
    versions = {package: version_of(package) for package in ("pytorch-lightning", "torchmetrics", "numpy")}
    return {
        "ownmark": __version__, "torch": torch.__version__, "python": platform.python_version(),
        "device": device, "device_name": name, **versions,
    }  # fmt: skip


@functools.cache
def version_of(distribution: str) -> str:
    """The installed version; empty if it is not installed."""
    import importlib_metadata

    try:
        return importlib_metadata.version(distribution) if distribution else ""
    except importlib_metadata.PackageNotFoundError:
        return ""


@functools.cache
def packs() -> dict[str, str]:
    """Installed packs with their versions."""
    from ownmark.discovery import discover

    return {pack.distribution: str(pack.version) for pack in discover().packs}


def upgrades(device: str) -> dict[str, str]:
    """The part of the environment that a plan with `recompute: on-upgrade` computes anew for."""
    now = environment(device)
    kind = device.partition(":")[0]
    return {**{name: now[name] for name in ("python", "torch", "numpy", "pytorch-lightning")}, "device": kind}


def differing(now: Mapping[str, str], then: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """By what differs from now, the stages' values.

    Args:
        then: by stage, the environment that computed it; empty where it was not recorded (version 0.1).
    """
    found: dict[str, dict[str, str]] = {}
    for stage, past in then.items():
        for name, value in past.items():
            if name in now and value != now[name]:
                found.setdefault(name, {})[stage] = str(value)
        if not past:
            found.setdefault("environment", {})[stage] = UNKNOWN
    return found
