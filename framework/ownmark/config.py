"""Parameters of methods: frozen pydantic dataclasses whose field docstrings are their help texts.

    @configuration
    class UchidaConfig:
        bits: Count = 160
        '''Length of the message (Table II of the invariance paper).'''

Numbers are finite everywhere, and every field of numbers has bounds: the types below give them to those which the
method's paper does not.

A class that names code or data says so, and what it names is left alone until nothing else is wrong with a plan, and
wholly for a folder of a stranger's: `sources()` gives names of modules, `fetched()` what is looked for on the network,
`files` (a ClassVar) the fields that name files or data sets without being of type `Path`.

A field annotated `Annotated[Nested, Kind.EXTRACTOR]` takes another method: the plan writes `{id: parameters}` or the
bare id, and the core hands the built instance to the class as a keyword argument of the field's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, cast

from pydantic import ConfigDict, Field, TypeAdapter, model_validator
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import dataclass_transform

T = TypeVar("T")

MOST, LARGEST = 1_000_000, 1e6
"""Bounds of counts and of magnitudes where neither a paper nor sense gives a narrower one."""

Count = Annotated[int, Field(ge=1, le=MOST)]
"""How many of something that there must be."""
Whole = Annotated[int, Field(ge=0, le=MOST)]
"""How many of something that there need not be; also a position, a class."""
Real = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
"""A number of either sign."""
Positive = Annotated[float, Field(gt=0, le=LARGEST)]
"""A magnitude that cannot be nothing."""
NonNegative = Annotated[float, Field(ge=0, le=LARGEST)]
"""A weight, a strength, a noise; 0 leaves it out."""
Fraction = Annotated[float, Field(ge=0, le=1)]
"""A share of something, none and all included."""
Rate = Annotated[float, Field(gt=0, le=1000)]
"""Of learning: a step."""


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(Field,))
def configuration(cls: type[T]) -> type[T]:
    """Make `cls` a parameter class: frozen, keyword-only, unknown keys forbidden, documented by field docstrings."""
    settings = ConfigDict(extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)
    made: Any = pydantic_dataclass(cls, frozen=True, kw_only=True, config=settings)
    for name, field in made.__pydantic_fields__.items():
        field.description = field.description or _inherited_help(made, name)
    return cast(type[T], made)


def _inherited_help(cls: Any, name: str) -> str | None:
    """Help text of a field from the base class that defines it; pydantic reads the docstrings of one class only."""
    fields = (getattr(base, "__pydantic_fields__", {}).get(name) for base in cls.__mro__[1:])
    return next((field.description for field in fields if field is not None and field.description), None)


@configuration
class Nested:
    """A method given as the parameter of another one."""

    id: str
    """Id of the method, or `pack/id`."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Its parameters."""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        """Accept `uchida` and `{uchida: {bits: 64}}`; in code also `Nested("uchida", {"bits": 64})`."""
        if isinstance(value, str):
            return {"id": value}
        if getattr(value, "args", None):
            return {**dict(zip(("id", "params"), value.args, strict=False)), **(value.kwargs or {})}
        fields = value.kwargs if hasattr(value, "kwargs") else value
        if isinstance(fields, Mapping) and len(fields) == 1 and "id" not in fields:
            ((name, params),) = fields.items()
            return {"id": name, "params": params or {}}
        return value


def to_plain(config: Any) -> dict[str, Any]:
    """The parameters as JSON-ready values; what store keys are computed from."""
    if config is None:
        return {}
    plain: dict[str, Any] = TypeAdapter(type(config)).dump_python(config, mode="json")
    return plain
