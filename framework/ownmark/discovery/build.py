"""From a declaration and what the plan says of it to an instance.

Parameters are checked against the method's parameter class alone, so a plan is validated in milliseconds; the
class itself is imported by `build`. Nested methods are looked up in the same catalogue.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ownmark.discovery.checks import missing_imports
from ownmark.discovery.nested import each, instances, nested_fields
from ownmark.discovery.problems import Checked
from ownmark.discovery.sealing import asked_for
from ownmark.discovery.sentences import misread_numbers, sentences
from ownmark.errors import AmbiguousMethod, MethodNotFound, MethodUnavailable, OwnmarkError, PlanError
from ownmark.foreign import shown
from ownmark.methods import Declaration, Kind

if TYPE_CHECKING:
    from ownmark.config import Nested
    from ownmark.discovery.catalog import Catalog


def validate(
    catalog: Catalog,
    kind: Kind,
    name: str,
    params: Mapping[str, Any],
    defaults: Mapping[str, Any],
    home: str = "",
) -> Checked:
    """See `Catalog.validate`."""
    declaration = catalog.find(kind, name, home)
    problems: list[str] = [*missing_imports(declaration)]
    try:
        config_class = declaration.load_config()
        kinds = nested_fields(config_class)
    except OwnmarkError as error:
        return Checked(declaration, None, problems or [str(error)])
    known = getattr(config_class, "__pydantic_fields__", {})
    if isinstance(params, Mapping):
        given = {**{key: value for key, value in defaults.items() if key in known}, **params}
        params = {**_own_defaults(catalog, declaration, config_class, kinds, given), **given}
    config, found = _configured(declaration, config_class, kinds, params)
    for field, nested_kind in kinds.items():
        for nested in each(_field(config, config_class, field, params)):
            found += _nested_problems(catalog, nested_kind, nested, f"{_label(declaration)}: {field}: ")
    return Checked(declaration, None if found else config, problems + found)


def _own_defaults(
    catalog: Catalog,
    declaration: Declaration,
    config_class: Any,
    kinds: Mapping[str, Kind],
    given: Mapping[str, Any],
) -> dict[str, Any]:
    """Methods that a parameter class names by default mean its own distribution's, whoever else has that id."""
    found = {}
    for name, kind in kinds.items():
        field = config_class.__pydantic_fields__[name]
        if name not in given and not field.is_required():
            default = field.get_default(call_default_factory=True)
            inner = [_owned(catalog, kind, one, declaration.distribution) for one in each(default)]
            if inner != list(each(default)):
                found[name] = inner if isinstance(default, (tuple, list)) else inner[0]
    return found


def _owned(catalog: Catalog, kind: Kind, nested: Nested, home: str) -> Nested:
    if "/" in nested.id:
        return nested
    try:
        method = catalog.find(kind, nested.id, home)
    except (AmbiguousMethod, MethodNotFound):  # told when the parameters are checked
        return nested
    return replace(nested, id=catalog.spelling(method) or f"{method.distribution}/{method.id}")


def _label(declaration: Declaration) -> str:
    return f"{declaration.kind} {declaration.name}"


def _configured(
    declaration: Declaration, config_class: Any, kinds: Mapping[str, Kind], params: Any
) -> tuple[Any, list[str]]:
    """The configuration, or what keeps it from being one."""
    label = _label(declaration)
    if not isinstance(params, Mapping):
        return None, [f"{label}: its parameters must be a mapping of names to values, not {params!r}"]
    if config_class is None:
        return None, [f"{label} takes no parameters; remove {key!r}" for key in params]
    if not hasattr(config_class, "__pydantic_fields__"):
        return None, [f"{label}: {declaration.config} is no parameter class; put @configuration above it"]
    from pydantic import TypeAdapter, ValidationError

    try:
        made = TypeAdapter(config_class).validate_python(dict(params))
    except ValidationError as error:
        return None, sentences(label, config_class, kinds, error.errors(include_url=False))
    except Exception as error:  # a validator of the pack that raises what pydantic does not catch
        return None, [f"{label}: its parameters cannot be checked ({type(error).__name__}: {error})"]
    wrong = [
        f"{label}: parameter {shown('.'.join(map(str, path)), 100)!r} should be a number, not {reprlib.repr(value)}"
        for path, value in misread_numbers(params, made)
    ]
    return (None, wrong) if wrong else (made, [])


def _field(config: Any, config_class: Any, name: str, params: Any) -> Any:
    """The value of a nested field, also if other fields are wrong, so that all problems come at once."""
    if config is not None:
        return getattr(config, name)
    if not isinstance(params, Mapping) or name not in params:
        return None
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(config_class.__pydantic_fields__[name].annotation).validate_python(params[name])
    except ValidationError:
        return None


def _nested_problems(catalog: Catalog, kind: Kind, nested: Nested, prefix: str) -> list[str]:
    try:
        found = catalog.validate(kind, nested).problems
    except (MethodNotFound, AmbiguousMethod) as error:
        found = [str(error)]
    return [type(problem)(prefix + problem) for problem in found]


def build(catalog: Catalog, checked: Checked) -> Any:
    """See `Catalog.build`."""
    declaration, config, problems = checked
    asked_for(f"{declaration.kind} {declaration.name}")
    if problems:
        raise PlanError(problems)
    kinds = nested_fields(declaration.load_config())
    nested = {
        name: instances(getattr(config, name), partial(catalog.build, kind)) for name, kind in kinds.items()
    }
    cls = declaration.load()
    try:
        return _call(cls, declaration.kind, config, nested)
    except OwnmarkError:
        raise
    except Exception as error:
        what = f"{_label(declaration)} ({declaration.distribution})"
        raise MethodUnavailable(f"{what} cannot be made: {type(error).__name__}: {error}") from error


def _call(cls: Any, kind: Kind, config: Any, nested: Mapping[str, Any]) -> Any:
    if kind != Kind.METRIC:
        return cls(config, **nested)
    from ownmark.config import to_plain

    return cls(**{**to_plain(config), **nested})
