"""What a folder from elsewhere may choose: declared methods whose parameters name no code and no file, nothing else.

A `model.json` says how its network is built, and whoever wrote it may have written anything. A host like `module`
imports what its parameters name; a dataset opens or downloads what its parameters name. Neither happens for a folder
that is not the user's own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ownmark.discovery import Catalog, nested_fields
from ownmark.discovery.index import is_ours
from ownmark.errors import NotApplicable, UntrustedFile
from ownmark.foreign import shown
from ownmark.methods import Kind
from ownmark.runner.beside import files_named
from ownmark.runner.cell import Spec, canonical

if TYPE_CHECKING:
    from ownmark.ownership.folder import Release

HELD = "ownmark.api.held"
"""Names in this module stand for objects that the caller has given; a folder cannot put one there."""
HOW = "if the folder is your own, add {flag}"


def require_no_code(
    catalog: Catalog,
    kind: Kind,
    spec: Spec,
    where: str,
    named: Collection[str] | None = None,
    flag: str = "--trust",
) -> None:
    """Refuse a method that would run code, or read files, of somebody's choice; imports nothing but parameter classes.

    Args:
        spec: as the folder `where` gives it. named: distributions that it may come from; None for any installed one.
        flag: what allows it, for the message.

    Raises:
        UntrustedFile: it names code or files, methods nested in it included; it comes from elsewhere; its parameters
            are wrong.
        MethodNotFound, AmbiguousMethod: there is no such method.
    """
    declaration = catalog.find(kind, spec.id, catalog.home_of(spec.id))
    allow = HOW.format(flag=flag)
    if named is not None and declaration.distribution not in named:
        raise UntrustedFile(
            f"{where}: its {kind} {shown(spec.id, 60)} is of {declaration.distribution}, which your own mark does not "
            f"use, and is not loaded for a stranger's folder; {allow}"
        )
    _, config, problems = catalog.validate(kind, spec.id, spec.parameters, home=catalog.home_of(spec.id))
    if problems:
        raise UntrustedFile(f"{where}: {shown('; '.join(problems))}")
    sources = config.sources() if hasattr(config, "sources") else ()
    if code := [name for name in sources if name != HELD]:
        raise UntrustedFile(
            f"{where}: its {kind} {shown(spec.id, 60)} would run code that the folder names, "
            f"{shown(', '.join(code), 80)}; {allow}"
        )
    fetched = tuple(config.fetched()) if hasattr(config, "fetched") else ()
    if files := files_named(config) or fetched:
        raise UntrustedFile(
            f"{where}: its {kind} {shown(spec.id, 60)} would read or fetch what the folder names, "
            f"{shown(', '.join(files), 120)}; {allow}"
        )
    for inner, one in _nested(config):
        require_no_code(catalog, inner, Spec(one.id, canonical(one.params)), where, named, flag)


def chooses(catalog: Catalog, kind: Kind, spec: Spec) -> bool:
    """Whether a method names code or files, so that it is not run for a folder from elsewhere."""
    try:
        require_no_code(catalog, kind, spec, "")
    except UntrustedFile:
        return True
    return False


def _nested(config: Any) -> Iterator[tuple[Kind, Any]]:
    for name, kind in nested_fields(type(config)).items() if config is not None else ():
        value = getattr(config, name)
        yield from ((kind, one) for one in (value if isinstance(value, tuple | list) else [value]) if one)


def require_plain(release: Release, catalog: Catalog, where: str, flag: str = "--trust") -> None:
    """A release whose network can be built without code of the folder's choice.

    Raises:
        UntrustedFile: it names code.
    """
    for kind, spec in _methods(release):
        require_no_code(catalog, kind, spec, where, None, flag)


def as_owned(release: Release, owner: Release, catalog: Catalog, where: str) -> Release:
    """A stranger's release with the owner's structure in place of one that says the same.

    What else it names must be of a distribution that the owner's release names; fronts of attacks may also be of this
    project's own packs.

    Raises:
        UntrustedFile: it would need code, or a distribution that the owner does not use.
        NotApplicable: it is of another task.
    """
    found, own = release.structure, owner.structure
    if (found.shape, found.classes) != (own.shape, own.classes):
        raise NotApplicable(
            f"{where}: says that it takes {shown(found.shape, 60)} inputs and knows {found.classes} classes; the mark "
            f"is of a network for {own.shape} and {own.classes}"
        )
    used = {
        catalog.find(kind, spec.id, catalog.home_of(spec.id)).distribution for kind, spec in _structure(owner)
    }
    if owner.dataset is not None:
        used.add(catalog.find(Kind.DATASET, owner.dataset.id, catalog.home_of(owner.dataset.id)).distribution)
    if _same(found.host, own.host) and _same(found.layers, own.layers):
        release = replace(release, structure=own)
    else:
        for kind, spec in _structure(release):
            require_no_code(catalog, kind, spec, where, used)
    ours = {method.distribution for method in catalog.methods if is_ours(method.distribution)}
    for step in release.steps:
        require_no_code(catalog, Kind.ATTACK, step.attack, where, used | ours)
    return release


def _methods(release: Release) -> Iterator[tuple[Kind, Spec]]:
    yield from _structure(release)
    yield from ((Kind.ATTACK, step.attack) for step in release.steps)


def _structure(release: Release) -> Iterator[tuple[Kind, Spec]]:
    yield Kind.HOST, release.structure.host
    if release.structure.layers is not None:
        yield Kind.SCHEME, release.structure.layers


def _same(one: Spec | None, other: Spec | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.id, one.params) == (other.id, other.params)
