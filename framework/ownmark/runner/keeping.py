"""What a store holds: listed, measured, verified, and what no plan needs removed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ownmark import strictjson
from ownmark.errors import UntrustedFile
from ownmark.runner import claims
from ownmark.runner.store import Store


@dataclass(frozen=True)
class Kept:
    """An entry, as it lies there.

    Args:
        label: as its manifest has it; empty if that cannot be read. size: bytes. when: it was written, as a time stamp.
    """

    stage: str
    digest: str
    label: str
    size: int
    when: float


def entries(store: Store) -> Iterator[Kept]:
    """Every entry, damaged ones included, by stage."""
    for path in sorted(store.root.glob("*/*/*")):
        if len(path.name) == 64 and path.name.startswith(path.parent.name) and path.is_dir():
            try:
                kept = _kept(path)
            except FileNotFoundError:  # removed by another process meanwhile
                continue
            yield kept


def damaged(store: Store) -> Iterator[tuple[Kept, str]]:
    """Entries that would be refused, and why; reads every file."""
    for kept in entries(store):
        try:
            store.read(kept.stage, kept.digest)
        except UntrustedFile as error:
            if store.path(kept.stage, kept.digest).exists():
                yield kept, str(error)


def unneeded(store: Store, needed: Collection[str]) -> list[Kept]:
    """Entries under none of the digests, and that nobody is computing."""
    claimed = {one.digest for one in claims.held(store.root)}
    return [kept for kept in entries(store) if kept.digest not in needed and kept.digest not in claimed]


def remove(store: Store, kept: Collection[Kept]) -> None:
    """Remove entries."""
    for one in kept:
        store.discard(one.stage, one.digest)


def _kept(path: Path) -> Kept:
    label = ""
    try:
        found = strictjson.read(path / "manifest.json")["about"]["label"]
        label = found if isinstance(found, str) else ""
    except (OSError, ValueError, KeyError, TypeError):
        pass
    stats = [one.stat() for one in path.iterdir() if one.is_file()]
    when = max((one.st_mtime for one in stats), default=0.0)
    return Kept(path.parent.parent.name, path.name, label, sum(one.st_size for one in stats), when)
