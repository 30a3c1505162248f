"""Files that a plan names: looked for beside the plan first, then in the working folder.

Which is why a plan can be run from anywhere. What is stored and hashed is the path as it is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeGuard, get_args

from ownmark.discovery import Catalog
from ownmark.methods import Kind


def placed(
    catalog: Catalog, kind: Kind, id: str, params: Mapping[str, Any], folder: Path | None
) -> dict[str, Any]:
    """The parameters, with paths of what lies beside the plan led there.

    Args:
        folder: the plan's; None leaves everything as it is.
    """
    found = dict(params)
    for name in _paths(catalog, kind, id) if folder is not None else ():
        value = found.get(name)
        if folder is not None and _is_relative(value) and _exists(folder / value):
            found[name] = str(folder / value)
    return found


def looked_for(catalog: Catalog, kind: Kind, id: str, params: Mapping[str, Any], folder: Path | None) -> str:
    """For a message: where beside the plan files were looked for in vain; empty if none were."""
    missing = [params.get(name) for name in _paths(catalog, kind, id)]
    wanted = [folder / one for one in missing if folder is not None and _is_relative(one)]
    return "".join(f"; nor is there {one.absolute()}, beside the plan" for one in wanted if not _exists(one))


def files_named(config: Any) -> tuple[str, ...]:
    """Files, or names of what is fetched, that parameters give, defaults left out; not those nested in them."""
    fields = getattr(type(config), "__pydantic_fields__", {})
    given = ((name, getattr(config, name)) for name in _file_fields(type(config)))
    chosen = [value for name, value in given if value != fields[name].default]
    listed = (value if isinstance(value, tuple | list) else [value] for value in chosen)
    return tuple(str(one) for values in listed for one in values if one and isinstance(one, str | Path))


def _paths(catalog: Catalog, kind: Kind, id: str) -> Iterator[str]:
    return _file_fields(catalog.find(kind, id).load_config())


def _file_fields(config: Any) -> Iterator[str]:
    """Parameters that name files: those of type `Path`, and those that the parameter class lists in `files`."""
    for name, field in getattr(config, "__pydantic_fields__", {}).items():
        if (
            field.annotation is Path
            or Path in get_args(field.annotation)
            or name in getattr(config, "files", ())
        ):
            yield name


def _is_relative(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and value not in ("", ".") and value[0] not in "~/" and "\x00" not in value


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
