"""Whose the methods of a mark are: a claim is read by the extractor that it was embedded with, not by one that is
called the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ownmark.discovery import Catalog
from ownmark.discovery.index import CORE, canonical, is_ours
from ownmark.errors import MethodNotFound, UntrustedFile
from ownmark.foreign import shown
from ownmark.methods import Declaration, Kind
from ownmark.runner.cell import Spec
from ownmark.runner.cell import canonical as canonical_params
from ownmark.runner.environment import version_of
from ownmark.runner.qualify import full_name, qualified
from ownmark.runner.sources import source_digest


def origin(catalog: Catalog, method: Declaration) -> dict[str, str]:
    """Distribution, its version, and a hash of the sources that decide what the method does."""
    version = catalog.version(method.distribution) or version_of(method.distribution)
    modules = [name.partition(":")[0] for name in (method.target, method.config) if name]
    return {
        "distribution": method.distribution, "version": version,
        "source": source_digest(*modules, data=method.data),
    }  # fmt: skip


def described(catalog: Catalog, kind: Kind, spec: Spec) -> dict[str, Any]:
    """A method for a claim: named in full, with its origin."""
    method = catalog.find(kind, spec.id)
    return qualified(catalog, kind, spec).describe() | {"origin": origin(catalog, method)}


def reader(catalog: Catalog, kept: Mapping[str, Any], stranger: str | None = None) -> Spec:
    """The installed extractor that a claim was embedded with.

    Args:
        kept: what `described` wrote, or the bare id and parameters of version 0.1.
        stranger: a distribution whose extractor of that id is to read instead.

    Raises:
        MethodNotFound: it is not installed; says what brings it.
        UntrustedFile: another distribution has one of that name, and nobody said that it may read.
    """
    id, params = str(kept["id"]), canonical_params(dict(kept["params"]))
    label = str(kept["label"])
    if stranger is not None:
        return Spec(full_name(catalog.find(Kind.EXTRACTOR, f"{stranger}/{_bare(id)}")), params, label)
    written = kept.get("origin")
    if not isinstance(written, Mapping):
        return Spec(_of_old(catalog, id), params, label)
    owner = canonical(str(written["distribution"]))
    if not any(m.distribution == owner and m.id == _bare(id) for m in catalog.of(Kind.EXTRACTOR)):
        raise MethodNotFound(_missing(catalog, owner, str(written["version"]), _bare(id)))
    return Spec(f"{owner}/{_bare(id)}", params, label)


def differs(catalog: Catalog, kept: Mapping[str, Any], spec: Spec) -> str | None:
    """In what the extractor that reads is not the one that the claim was embedded with; None if in nothing."""
    written = kept.get("origin")
    now = origin(catalog, catalog.find(Kind.EXTRACTOR, spec.id, catalog.home_of(spec.id)))
    if not isinstance(written, Mapping):
        return None if is_ours(now["distribution"]) else f"read by {now['distribution']} {now['version']}"
    then = {name: str(written.get(name, "")) for name in now}
    if then == now:
        return None
    if then["distribution"] != now["distribution"]:
        return f"a stranger reads: {now['distribution']} {now['version']}, embedded with {_called(then)}"
    if then["version"] != now["version"]:
        return f"read by {_called(now)}, embedded with version {then['version']}"
    return f"the source of {_called(now)} or of what it uses is not what it was when the mark was embedded"


def _called(one: Mapping[str, str]) -> str:
    return f"{shown(one['distribution'], 80)} {shown(one['version'], 40)}"


def _bare(id: str) -> str:
    return id.rpartition("/")[2]


def _of_old(catalog: Catalog, id: str) -> str:
    """A mark of version 0.1 names an id only: one of this project's packs may read it, anybody else's if told so."""
    method = catalog.find(Kind.EXTRACTOR, id, CORE)
    if not is_ours(method.distribution):
        raise UntrustedFile(
            f"this mark of an older version does not say whose extractor {shown(id, 60)!r} reads it; the installed one "
            f"is {method.distribution}'s. If that is right: --stranger {method.distribution}"
        )
    return full_name(method)


def _missing(catalog: Catalog, owner: str, version: str, id: str) -> str:
    wanted = f"{shown(owner, 80)}=={shown(version, 40)}" if version else shown(owner, 80)
    text = f"the mark is read by extractor {shown(id, 60)!r} of {owner} {version}, which is not installed: "
    text += f"pip install '{wanted}'"
    others = [m.distribution for m in catalog.of(Kind.EXTRACTOR) if m.id == id]
    if others:
        text += f". {', '.join(others)} has an extractor of that name, which is not asked (--stranger {others[0]})"
    return text
