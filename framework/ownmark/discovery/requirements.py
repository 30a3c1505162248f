"""What a distribution requires, and whether this installation has it; pip checks that once, and not always."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from importlib_metadata import PackageNotFoundError, version
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

CORE = "ownmark"


def required(dist: Any) -> tuple[Requirement, ...]:
    """What a distribution requires here, extras left out; lines that cannot be read are passed over."""
    try:
        lines = list(dist.requires or ())
    except Exception:  # damaged metadata, which is told elsewhere
        return ()
    return tuple(one for one in _parsed(lines) if one.marker is None or one.marker.evaluate({"extra": ""}))


def _parsed(lines: Iterable[str]) -> Iterator[Requirement]:
    for line in lines:
        try:
            yield Requirement(line)
        except InvalidRequirement:
            continue


def core_conflict(requirements: Iterable[Requirement], installed: str) -> str | None:
    """The requirement on ownmark that the installed version does not meet; None if all is well."""
    for one in requirements:
        if one.name.lower() == CORE and not one.specifier.contains(installed, prereleases=True):
            return str(one)
    return None


def _meets(wanted: Requirement, found: str) -> bool:
    try:
        return wanted.specifier.contains(found, prereleases=True)
    except InvalidVersion:  # of a distribution whose version is none
        return False


def unmet(requirement: str, local: Callable[[str], str] = lambda name: "") -> str | None:
    """Why a plan's requirement, `acme-marks>=0.2`, is not met, with the command that helps; None if it is.

    Args:
        local: version of a pack, by its canonical name, that pip does not know of; empty if there is none.
    """
    try:
        wanted = Requirement(requirement)
    except InvalidRequirement as error:
        return f"{requirement!r} is no requirement such as 'acme-marks>=0.2' ({str(error).splitlines()[0]})"
    if wanted.url:
        return f"{requirement!r}: a plan requires distributions by name and version, not from an address"
    try:
        found = local(canonicalize_name(wanted.name)) or version(wanted.name)
    except PackageNotFoundError:
        return f"needs {wanted}, which is not installed: pip install '{wanted}'"
    if not _meets(wanted, found):
        return f"needs {wanted}, and {wanted.name} {found} is installed: pip install -U '{wanted}'"
    return None
