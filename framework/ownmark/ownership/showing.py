"""What a mark is and what its key is worth, for `ownmark show FOLDER`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ownmark.foreign import shown
from ownmark.ownership.folder import Claim
from ownmark.stats import Decoys


def show_mark(folder: Path) -> Iterator[str]:
    """Scheme, task, readers, and the entropy of the key: as the scheme states it, and as decoys found it at embedding.

    Raises:
        UntrustedFile: the owner's part is missing or damaged.
    """
    about = Claim.read(folder / "owner").about
    yield f"{folder}: {shown(about['scheme']['label'])} on {shown(about['task'])}"
    derivation = about.get("derivation")
    yield f"  key: {'drawn from a commitment' if derivation else 'drawn by its owner'}, {shown(about['key'], 64)}"
    for name, reads in about["readers"].items():
        yield f"  read by {shown(name)}: {reads['access']}, {reads['n']} symbols, {reads['queries']} images a key"
        yield f"    worth: {'; '.join(_worth(reads))}"


def _worth(reads: Mapping[str, Any]) -> Iterator[str]:
    bits = reads.get("bits")
    yield "its entropy is not stated" if bits is None else f"{bits:.0f} bits stated"
    if reads.get("born"):
        yield "born in embedding, so that no fresh key can be drawn"
    if found := reads.get("found"):
        fields = ("n", "as_much", "highest", "mean")
        ranked = Decoys(*(found[field] for field in fields))
        yield measured(ranked)


def measured(ranked: Decoys) -> str:
    """The entropy that decoys found on the marked network, as text."""
    sign = "at least " if ranked.as_much == 0 else ""
    return f"{sign}{ranked.bits:.1f} bits measured ({ranked.as_much} of {ranked.n} fresh keys match as much)"
