"""What rows, columns and tasks are called: their label, and the parameters that set equal labels apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ownmark.report.fields import canonical, dig, flatten, section


@dataclass(frozen=True)
class Axis:
    """One row, column or task of a grid."""

    key: str
    """Equal for equal methods with equal parameters."""
    name: str
    """What readers see."""
    id: str
    """The method's id; of a row the scheme's, with an extractor that is not its own in brackets."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Its parameters by dotted path."""

    @property
    def unattacked(self) -> bool:
        """Whether this is the column without an attack."""
        return self.id == "none"


def task_axis(cell: Mapping[str, Any]) -> Axis:
    """A dataset and a host."""
    parts = {name: section(cell, name) for name in ("dataset", "host")}
    ids = "/".join(_label(part) for part in parts.values())
    name = str(cell.get("task") or ids)
    params = flatten({part: _parameters(dig(value, "params") or {}) for part, value in parts.items()})
    return Axis(canonical([name, params]), name, name, params)


def row_axis(cell: Mapping[str, Any]) -> Axis:
    """A scheme, with its extractor in brackets where that is not the scheme's own."""
    scheme, extractor = section(cell, "scheme"), section(cell, "extractor")
    params = {"": _parameters(dig(scheme, "params") or {})}
    name, identity = _label(scheme), str(scheme.get("id", "?"))
    if extractor.get("default") is False:
        name, identity = f"{name} ({_label(extractor)})", f"{identity} ({extractor.get('id', '?')})"
        params[str(extractor.get("id", "extractor"))] = _parameters(dig(extractor, "params") or {})
    flat = {path.lstrip("."): value for path, value in flatten(params).items()}
    return Axis(canonical([name, flat]), name, identity, flat)


def attack_axis(cell: Mapping[str, Any]) -> Axis:
    """An attack; without one the name is "no attack"."""
    attack = section(cell, "attack")
    if attack.get("id", "none") == "none":
        return Axis("none", "no attack", "none")
    params = _parameters(attack.get("params") or {})
    return Axis(canonical([_label(attack), params]), _label(attack), str(attack["id"]), params)


def _parameters(params: Any) -> dict[str, Any]:
    """Parameters by dotted path; a method without parameters, `{prune: {}}`, counts as its name, `prune`."""
    given = params if isinstance(params, Mapping) else {"": params}
    return flatten({name: _short(value) for name, value in given.items()})


def _short(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    if len(value) == 1 and next(iter(value.values())) == {}:
        return next(iter(value))
    return {name: _short(inner) for name, inner in value.items()}


def shared_axis(axes: Sequence[Axis]) -> Axis:
    """One axis for methods of one name: the first, with the parameters that all have."""
    common = [item for item in axes[0].params.items() if all(item in axis.params.items() for axis in axes)]
    return replace(axes[0], params=dict(common))


def name_all(axes: Mapping[str, Axis]) -> dict[str, Axis]:
    """The same axes; those that share a name get the parameters in which they differ behind it."""
    by_name: dict[str, list[Axis]] = {}
    for axis in axes.values():
        by_name.setdefault(axis.name, []).append(axis)
    differing = {name: _differing(namesakes) for name, namesakes in by_name.items()}
    return {key: _told_apart(axis, differing[axis.name]) for key, axis in axes.items()}


def _differing(namesakes: list[Axis]) -> list[str]:
    """Parameters in which axes of one name differ."""
    paths = dict.fromkeys(path for other in namesakes for path in other.params)
    return [p for p in paths if len({canonical(other.params.get(p)) for other in namesakes}) > 1]


def _told_apart(axis: Axis, differing: list[str]) -> Axis:
    given = [f"{path}={axis.params[path]}" for path in differing if path in axis.params]
    return replace(axis, name=" ".join([axis.name, *given]))


def _label(part: Mapping[str, Any]) -> str:
    return str(part.get("label") or part.get("id") or "?")
