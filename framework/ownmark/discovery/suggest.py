"""What to say when a name fits no method, or more than one."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from ownmark.methods import Declaration, Kind

if TYPE_CHECKING:
    from ownmark.discovery.catalog import Catalog


def a(noun: object) -> str:
    """`noun` with its indefinite article."""
    return f"an {noun}" if str(noun)[0] in "aeiou" else f"a {noun}"


def not_found(catalog: Catalog, kind: Kind | None, name: str) -> str:
    """Why there is no such method: a slip of the pen, another kind, a pack that failed or is disabled.

    Args:
        kind: None stands for any.
    """
    near = (_near(catalog, one, name) for one in ([kind] if kind else Kind))
    parts = [
        f"no pack has {a(kind or 'method')} {name!r:.100}",
        *next(filter(None, near), []),
        *(_elsewhere(catalog, kind, name) if kind else []),
    ]
    broken = [pack for pack in catalog.packs if any(problem.lost for problem in pack.problems)]
    if broken:
        names = ", ".join(f"{pack.distribution} {pack.version}" for pack in broken)
        parts.append(f"these packs failed to load in part or whole: {names} (see `ownmark plugins`)")
    skipped = [entry for pack in catalog.packs for entry in pack.disabled]
    if skipped:
        parts.append(f"these entry points are disabled: {', '.join(skipped)}")
    return "; ".join(parts)


def _near(catalog: Catalog, kind: Kind, name: str) -> list[str]:
    """The spellings one may have meant: another pack's method of that id first, then similar names."""
    prefix, _, bare = name.rpartition("/")
    methods = catalog.of(kind)
    same = [method.name for method in methods if prefix and method.id == bare]
    names = [method.name for method in methods] if prefix else catalog.ids(kind)
    near = [*same, *get_close_matches(name, names, 3, 0.6)]
    if not near:
        ids = get_close_matches(bare, [method.id for method in methods], 3, 0.6)
        near = [found for found in catalog.ids(kind) if found.rpartition("/")[2] in ids]
    quoted = [repr(found) for found in dict.fromkeys(near)]
    return [f"did you mean {' or '.join(quoted[:3])}?"] if quoted else []


def _elsewhere(catalog: Catalog, kind: Kind, name: str) -> list[str]:
    bare = name.rpartition("/")[2]
    others = [m for m in catalog.methods if m.id == bare and m.kind != kind]
    return [f"{method.name} is {a(method.kind)}, not {a(kind)}" for method in others]


def ambiguous(catalog: Catalog, kind: Kind, name: str, claims: Sequence[Declaration]) -> str:
    """Whose methods have that name, and how to say which one is meant."""
    versions = {pack.distribution: pack.version for pack in catalog.packs}
    owners = " and ".join(f"{m.distribution} {versions.get(m.distribution, '')}".strip() for m in claims)
    spellings = [catalog.spelling(method) for method in claims]
    if None in spellings:
        return (
            f"{owners} both have {a(kind)} {name!r:.100}, and no spelling tells them apart; pip uninstall one"
        )
    return f"{owners} both have {a(kind)} {name!r:.100}; write {' or '.join(map(repr, spellings))}"
