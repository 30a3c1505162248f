"""Whether a module in memory is what its file says now. In a notebook an edit is not what runs until a reload.

Compared are functions with their defaults, constants of modules and classes (numbers, texts, tuples of them), and
constants taken from other modules. Once a module was looked at, any change of its file's meaning is seen as well, until
a reload gives the module a new `__spec__`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from ownmark.errors import StaleModule
from ownmark.runner.written import Written, lately, meaning_of, plain, written

_looked_at: dict[str, tuple[ModuleSpec, str]] = {}
"""By module: its `__spec__` when it was looked at, and what its file meant then."""


def require_current(name: str, meaning: str) -> None:
    """Compare a loaded module, what it took from other modules included, with the files.

    Args:
        meaning: of the module's file as it is now.

    Raises:
        StaleModule: something in memory differs from what the file says.
    """
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    loader = getattr(spec, "loader", None)
    if (
        module is None
        or spec is None
        or type(loader) is not SourceFileLoader
        or name.partition(".")[0] == "ownmark"
    ):
        return
    for function in _functions(module):
        home = _home(function)
        if home is not None and not _is_in(function, _now(home)):
            raise StaleModule(_sentence(home, function.__qualname__, function.__module__, name))
    path = Path(loader.path)
    for differing, origin in _constants(module, _now(path)):
        raise StaleModule(_sentence(path, differing, origin, name))
    seen = _looked_at.setdefault(name, (spec, meaning))
    if seen[0] is spec and seen[1] != meaning:
        raise StaleModule(_sentence(path, "what it holds", name, name))
    _looked_at[name] = (spec, meaning)


def _sentence(path: Path, what: str, origin: str, holder: str) -> str:
    names = dict.fromkeys([origin, holder])
    again = " and ".join(f"importlib.reload({name})" for name in names)
    return (
        f"{path} was changed after it was imported: {what} in memory is not the one in the file, and "
        f"results would be stored under the wrong code; call {again}, or restart Python"
    )


def _now(path: Path) -> Written:
    stat = path.stat()
    read = written.__wrapped__ if lately(stat) else written
    return read(path, stat.st_mtime_ns, stat.st_size)


# --- functions ------------------------------------------------------------------------------------------------------


def _home(function: FunctionType) -> Path | None:
    """The file of a function, if it is one that may be edited."""
    module = function.__module__ or ""  # None for functions that generated code defines
    top = module.partition(".")[0]
    file = getattr(sys.modules.get(module), "__file__", None)
    path = Path(function.__code__.co_filename)
    if not file or top == "ownmark" or top in sys.stdlib_module_names or "site-packages" in path.parts:
        return None
    return path if path == Path(file) and path.is_file() else None


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    for value in list(vars(module).values()):
        if isinstance(value, FunctionType):
            yield value
        elif isinstance(value, type) and value.__module__ == module.__name__:
            yield from (inner for inner in vars(value).values() if isinstance(inner, FunctionType))


def _is_in(function: FunctionType, file: Written) -> bool:
    """Whether the file has this very function under this name; a lambda has none."""
    code: CodeType = function.__code__
    if code.co_name.startswith("<"):
        return True
    called = str(getattr(code, "co_qualname", code.co_name))
    if meaning_of(code) not in file.functions.get(called, ()):
        return False
    defaults = (function.__defaults__ or (), function.__kwdefaults__ or {})
    return called not in file.defaults or _agree(defaults, file.defaults[called])


def _agree(held: tuple[tuple[Any, ...], dict[str, Any]], stated: tuple[list[Any], dict[str, Any]]) -> bool:
    """Whether defaults are those of the file, as far as these are written out."""
    if len(held[0]) != len(stated[0]) or held[1].keys() != stated[1].keys():
        return False
    pairs = [*zip(held[0], stated[0], strict=True), *((held[1][name], stated[1][name]) for name in stated[1])]
    return all(_same(one, other) for one, other in pairs)


# --- constants ------------------------------------------------------------------------------------------------------


def _constants(module: ModuleType, file: Written) -> Iterator[tuple[str, str]]:
    """Names of constants that differ from what the file says, with the module that they are from."""
    for (owner, name), stated in file.constants.items():
        holder = getattr(module, owner) if owner and hasattr(module, owner) else module
        if owner and (not isinstance(holder, type) or holder.__module__ != module.__name__):
            continue
        if name in vars(holder) and not _same(vars(holder)[name], stated):
            yield f"{owner}.{name}" if owner else name, module.__name__
    for name, (origin, original) in file.taken.items():
        source = sys.modules.get(_absolute(origin, module))
        path = _editable(source)
        stated = _now(path).constants.get(("", original)) if path else None
        if stated is not None and name in vars(module) and not _same(vars(module)[name], stated):
            yield name, _absolute(origin, module)


def _editable(module: ModuleType | None) -> Path | None:
    """The file of a module of the user's."""
    file = getattr(module, "__file__", None)
    top = module.__name__.partition(".")[0] if module else ""
    if not file or top == "ownmark" or top in sys.stdlib_module_names or "site-packages" in Path(file).parts:
        return None
    return Path(file) if file.endswith(".py") and Path(file).is_file() else None


def _absolute(name: str, module: ModuleType) -> str:
    inner = name.lstrip(".")
    level = len(name) - len(inner)
    if not level:
        return name
    steps = (module.__package__ or "").split(".")
    return ".".join([*steps[: len(steps) - level + 1], *([inner] if inner else [])])


def _same(held: Any, stated: Any) -> bool:
    """Equal; what is not written out in the file, or was made into something else, is taken to be."""
    return not (plain(held) and plain(stated)) or repr(held) == repr(stated)
