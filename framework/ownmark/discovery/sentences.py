"""pydantic's errors, said so that the author of a plan knows what to change."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, get_args

from ownmark.foreign import shown

LONGEST = 1000
"""Characters of what a pack says of a value, at most."""
_UNKNOWN = {"unexpected_keyword_argument", "extra_forbidden"}
_RANGE = re.compile(r"0+-\d+")
"""What pydantic drops the zeros of."""
_MISSING = {"missing", "missing_keyword_only_argument", "missing_argument"}


def sentences(
    label: str, config_class: Any, nested: Iterable[str], errors: Iterable[Mapping[str, Any]]
) -> list[str]:
    """One sentence per error.

    Args:
        label: the method, as in `scheme whitebox/uchida`.
        nested: names of the fields that hold methods.
        errors: what `ValidationError.errors()` returns.
    """
    said = [_sentence(label, config_class, nested, error) for error in errors]
    return list(dict.fromkeys(said))


def _sentence(label: str, config_class: Any, nested: Iterable[str], error: Mapping[str, Any]) -> str:
    location, kind = error["loc"], error["type"]
    path = shown(".".join(map(str, location)), 100)
    if kind in _MISSING and len(location) == 1:
        return f"{label} needs the parameter {path!r}"
    if kind in {"value_error", "assertion_error"}:  # the pack's own words
        words = error["msg"].partition(", ")[2][:LONGEST]
        return ": ".join([label, *([f"parameter {path!r}"] if path else []), words])
    if location and location[0] in nested and (len(location) > 1 or kind == "dataclass_type"):
        return (
            f"{label}: parameter {str(location[0])!r:.100} takes a method; write its id or {{id: parameters}}"
        )
    if kind in _UNKNOWN:
        return f"{label} has no parameter {path!r}{_instead(config_class, location)}"
    if kind in _MISSING:
        return f"{label} needs the parameter {path!r}"
    return f"{label}: parameter {path!r} {error['msg'].removeprefix('Input ')}, not {reprlib.repr(error['input'])}"


def misread_numbers(
    given: Any, made: Any, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], bool | str]]:
    """Where pydantic made a number of what is none, 1 of `yes` or -4 of `0-4`: paths and values.

    Args:
        given: plain values. made: the parameters that came of them.
    """
    if isinstance(given, bool | str):
        number = made[0] if isinstance(made, list | tuple) and len(made) == 1 else made
        wrong = isinstance(given, bool) or _RANGE.fullmatch(given.strip())
        if wrong and isinstance(number, int | float) and not isinstance(number, bool):
            yield path, given
    elif isinstance(given, Mapping):
        for name, value in given.items():
            inner = made.get(name) if isinstance(made, Mapping) else getattr(made, str(name), None)
            yield from misread_numbers(value, inner, (*path, name))
    elif isinstance(given, list | tuple) and isinstance(made, list | tuple) and len(given) == len(made):
        for place, (value, inner) in enumerate(zip(given, made, strict=True)):
            yield from misread_numbers(value, inner, (*path, place))


def _instead(config_class: Any, location: tuple[Any, ...]) -> str:
    names = _names_at(config_class, location[:-1])
    near = get_close_matches(str(location[-1]), names, 1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; it takes {', '.join(names)}" if names else ""


def _names_at(config_class: Any, path: tuple[Any, ...]) -> list[str]:
    """The parameters of the class at `path`; positions in lists and branches of unions are stepped over."""
    current = config_class
    for step in path:
        field = getattr(current, "__pydantic_fields__", {}).get(step)
        if field is not None:
            current = _configuration_in(field.annotation)
    return list(getattr(current, "__pydantic_fields__", {}))


def _configuration_in(annotation: Any) -> Any:
    """The parameter class inside an annotation such as `tuple[Step, ...]`; None without one."""
    if hasattr(annotation, "__pydantic_fields__"):
        return annotation
    return next((found for part in get_args(annotation) if (found := _configuration_in(part))), None)
