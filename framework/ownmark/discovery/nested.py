"""Methods as parameters of other methods.

A field annotated `Annotated[Nested, Kind.X]`, also inside `| None`, a tuple or a list, holds methods; a plan
writes each as its id or as `{id: parameters}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, get_args

from ownmark.errors import MethodUnavailable, PlanError
from ownmark.methods import Kind

if TYPE_CHECKING:
    from ownmark.config import Nested


def nested_fields(config_class: type | None) -> dict[str, Kind]:
    """The fields of a parameter class that hold methods, each with their kind.

    Raises:
        MethodUnavailable: a field holds methods and does not say of which kind.
    """
    fields = getattr(config_class, "__pydantic_fields__", {})
    kinds = {name: _nested_kind(config_class, name, field) for name, field in fields.items()}
    return {name: kind for name, kind in kinds.items() if kind is not None}


def _nested_kind(config_class: Any, name: str, field: Any) -> Kind | None:
    from ownmark.config import Nested

    parts = list(_parts(field.annotation))
    if Nested not in parts:
        return None
    kinds = [part for part in (*field.metadata, *parts) if isinstance(part, Kind)]
    if not kinds:
        where = f"{config_class.__module__}:{config_class.__name__}.{name}"
        raise MethodUnavailable(
            f"{where} takes a method of no stated kind; annotate it Annotated[Nested, Kind.SCHEME]"
        )
    return kinds[0]


def _parts(annotation: Any) -> Iterator[Any]:
    """Every type in an annotation, and what `Annotated` adds to it."""
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def named(
    nested_or_id: str | Nested | Mapping[str, Any], params: Mapping[str, Any] | None
) -> tuple[str, Mapping[str, Any]]:
    """A method as a plan writes it, taken apart into name and parameters.

    Raises:
        PlanError: it is neither a name nor `{name: parameters}`.
    """
    if isinstance(nested_or_id, str):
        return nested_or_id, {} if params is None else params
    from pydantic import TypeAdapter, ValidationError

    from ownmark.config import Nested

    try:
        nested = TypeAdapter(Nested).validate_python(nested_or_id)
    except ValidationError:
        raise PlanError([f"{nested_or_id!r} is not a method; write its id or {{id: parameters}}"]) from None
    return nested.id, {**nested.params, **(params or {})}


def each(value: Any) -> Iterator[Nested]:
    """The methods in the value of a nested field."""
    if isinstance(value, (tuple, list)):
        yield from value
    elif value is not None:
        yield value


def instances(value: Any, make: Callable[[Any], Any]) -> Any:
    """The value of a nested field with each method made into an instance."""
    if isinstance(value, (tuple, list)):
        return type(value)(make(item) for item in value)
    return None if value is None else make(value)
