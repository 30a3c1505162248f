"""How far a run is: from its outline, its store and the claims in it. Reads only; works from any machine."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from ownmark import strictjson
from ownmark.errors import OwnmarkError
from ownmark.foreign import redacted, shown
from ownmark.runner import claims
from ownmark.runner.claims import Held
from ownmark.runner.outline import Outline, read_outline
from ownmark.runner.store import Store, store_at

_SAMPLES = 20
"""Stored stages of a kind whose seconds are looked at."""
_LONGEST = 1e9
"""Seconds of a stage, at most; what says more is damaged."""


@dataclass(frozen=True)
class Status:
    """A run at one moment.

    Args:
        cells, recorded: cells of the plan, and those with a record; failed: of these.
        stages: by kind, how many are in the store, of how many. running: by whom what is computed.
        seconds: still to go, with as many workers as there are; None if no such stage was ever seen.
    """

    cells: int
    recorded: int
    failed: int
    stages: dict[str, tuple[int, int]]
    running: tuple[Held, ...]
    seconds: float | None


def status(folder: Path, store: str | None = None) -> Status:
    """The status of the run in a folder.

    Args:
        store: its address, where that is not a folder: whoever wrote the run folder does not choose whom we ask.

    Raises:
        OwnmarkError: no run is there, or its store is at an address that was not named.
    """
    outline = read_outline(folder)
    remote = "://" in outline.store
    if remote and (store is None or redacted(store) != outline.store):
        raise OwnmarkError(
            f"{folder}: its store is at {shown(outline.store, 200)}, which is not asked because a folder says "
            "so; if the run is yours, name it with --store or OWNMARK_STORE"
        )
    return _status(folder, outline, store_at(store if remote and store is not None else outline.store))


def _status(folder: Path, outline: Outline, store: Store) -> Status:
    there = {key for key, kind, _ in outline.stages if (kind, key) in store}
    counts: dict[str, tuple[int, int]] = {}
    for key, kind, _ in outline.stages:
        done, of = counts.get(kind, (0, 0))
        counts[kind] = (done + (key in there), of + 1)
    wanted = {key for key, _, _ in outline.stages} - there
    running = tuple(one for one in claims.held(store.root) if one.digest in wanted and not _gone(one))
    recorded, failed = _records(folder, outline)
    return Status(
        len(outline.cells), recorded, failed, counts, running, _left(outline, store, there, len(running))
    )


def since(held: Held) -> float:
    """Seconds that a stage has been computed for, by this machine's clock."""
    began, now = held.owner.get("since", 0.0), time.time()
    return now - began if isinstance(began, int | float) and 0 <= began <= now else 0.0


def _gone(held: Held) -> bool:
    return claims.is_dead(held.owner)


def _records(folder: Path, outline: Outline) -> tuple[int, int]:
    paths = [folder / "records" / f"{id}.json" for id in outline.cells]
    texts = [path.read_text(errors="replace") for path in paths if path.is_file()]
    return len(texts), sum('"status": "failed"' in text for text in texts)


def _left(outline: Outline, store: Store, there: set[str], workers: int) -> float | None:
    """Seconds left: for each kind of stage, how many are missing times what some of them took."""
    missing: dict[str, int] = defaultdict(int)
    seen: dict[str, list[str]] = defaultdict(list)
    for key, kind, _ in outline.stages:
        if key in there:
            seen[kind].append(key)
        else:
            missing[kind] += 1
    means = {kind: _mean(store, kind, keys) for kind, keys in seen.items()}
    known = [mean for mean in means.values() if mean is not None]
    if missing and not known:
        return None
    usual = sum(known) / len(known) if known else 0.0
    return sum(count * (means.get(kind) or usual) for kind, count in missing.items()) / max(1, workers)


def _mean(store: Store, kind: str, keys: list[str]) -> float | None:
    found: list[float] = []
    for key in itertools.islice(keys, 0, None, max(1, len(keys) // _SAMPLES)):
        try:
            seconds = float(strictjson.read(store.path(kind, key) / "values.json")["cost"]["seconds"])
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            continue
        found += [seconds] if 0 <= seconds <= _LONGEST else []
    return sum(found) / len(found) if found else None
