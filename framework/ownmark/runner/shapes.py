"""What the entry of each stage must hold, so that whoever reads it later does not break off.

Checksums find a damaged file, not one that somebody edited and summed up again. What lacks a key or has another type
is refused like any damaged entry, and computed again; a number that was changed to another number is not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ownmark.errors import UntrustedFile
from ownmark.runner.store import StoredEntry
from ownmark.stats import Threshold

Check = Callable[[Any], bool]
Shape = Check | Mapping[str, Any]


def number(value: Any) -> bool:
    """A number; a truth value is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def text(value: Any) -> bool:
    """A text."""
    return isinstance(value, str)


def truth(value: Any) -> bool:
    """True or false."""
    return isinstance(value, bool)


def threshold(value: Any) -> bool:
    """What `Threshold.from_dict` takes."""
    try:
        Threshold.from_dict(value)
    except (TypeError, ValueError, KeyError, AttributeError):
        return False
    return all(number(value[name]) for name in ("hits", "n", "rate"))


def maybe(shape: Shape) -> Check:
    """The shape, or null."""
    return lambda value: value is None or fits(value, shape)


def each(shape: Shape) -> Check:
    """A list of the shape."""
    return lambda value: isinstance(value, list) and all(fits(one, shape) for one in value)


def named(shape: Shape) -> Check:
    """A mapping of names to the shape."""
    return lambda value: isinstance(value, Mapping) and all(fits(one, shape) for one in value.values())


def anything(_: Any) -> bool:
    """Whatever it is."""
    return True


_COST: Shape = {"seconds": number, "samples_seen": number}
_COUNTS: Shape = {"hits": number, "n": number}
_VERDICT: Shape = {"claim": maybe(truth), "p_value": number, "theta": number}
SHAPES: Mapping[str, Mapping[str, Any]] = {
    "host": {},
    "epochs": {"epochs": number},
    "marked": {"exhibits": named(anything), "key": named(anything), "scheme": text},
    "attacked": {"exhibits": named(anything)},
    "utility": {"value": maybe(number), "higher_is_better": maybe(truth), "answers": truth},
    "evidence": {
        "access": text, "hits": maybe(number), "n": maybe(number), "rate": maybe(number), "chance": maybe(number),
        "extras": named(anything), "queries": number, "measured": named(_COUNTS),
    },
    "threshold": {"threshold": threshold, "null_rates": each(each(number)), "chance": maybe(number)},
    "own nulls": {"rates": each(number)},
    "decoys": {"rates": each(number), "queries": number},
    "judged": {"verdict": _VERDICT, "metrics": named({"value": maybe(number)})},
    "vanilla": {"rates": each(each(each(number))), "maximum": number},
}  # fmt: skip
"""By stage: values, mappings with the keys that they must have. `cost` is in every entry."""
FILES: Mapping[str, tuple[str, ...]] = {
    "host": ("network",),
    "marked": ("network", "key"),
    "attacked": ("network",),
    "evidence": ("matches",),
}
_WITHOUT = {"attacked": "lost", "evidence": "unreadable"}
"""The value that says why an entry has no files."""


def fits(value: Any, shape: Shape) -> bool:
    """Whether a value has the shape."""
    if not isinstance(shape, Mapping):
        return shape(value)
    return isinstance(value, Mapping) and all(
        name in value and fits(value[name], inner) for name, inner in shape.items()
    )


def require_shape(stage: str, entry: StoredEntry) -> StoredEntry:
    """The entry, if it holds what its stage leaves behind.

    Raises:
        UntrustedFile: it does not; says what.
    """
    for name, shape in {"cost": _COST, **SHAPES.get(stage, {})}.items():
        if name not in entry.values or not fits(entry.values[name], shape):
            raise UntrustedFile(
                f"{entry.path}: values.json holds no {name} as stage {stage} leaves it behind"
            )
    files = () if _WITHOUT.get(stage) in entry.values else FILES.get(stage, ())
    if stage == "epochs":
        files = tuple(f"epoch {i}" for i in range(int(entry.values["epochs"])))
    for name in files:
        if not entry.has(name):
            raise UntrustedFile(f"{entry.path}: {name}.safetensors is missing")
    return entry
