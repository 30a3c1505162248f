"""Whether a module in memory is what its file says now. In a notebook an edit is not what runs until a reload."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from ownmark.errors import StaleModule

Meaning = tuple[Any, ...]


def require_current(name: str) -> None:
    """Compare the functions of a loaded module, those it took from other modules included, with their files.

    Raises:
        StaleModule: one of them differs, or is not in the file any more.
    """
    module = sys.modules.get(name)
    loader = getattr(getattr(module, "__spec__", None), "loader", None)
    if module is None or type(loader) is not SourceFileLoader or name.partition(".")[0] == "ownmark":
        return
    for function in _functions(module):
        home = _home(function)
        if home is None:
            continue
        stat = home.stat()
        if not _is_in(function.__code__, _written(home, stat.st_mtime_ns, stat.st_size)):
            raise StaleModule(_sentence(home, function, name))


def _sentence(path: Path, function: FunctionType, holder: str) -> str:
    names = dict.fromkeys([function.__module__, holder])
    again = " and ".join(f"importlib.reload({name})" for name in names)
    return (
        f"{path} was changed after it was imported: {function.__qualname__} in memory is not the one in the file, and "
        f"results would be stored under the wrong code; call {again}, or restart Python"
    )


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


def _is_in(code: CodeType, written: dict[str, list[Meaning]]) -> bool:
    """Whether the file has this very code under this name; a lambda has none."""
    if code.co_name.startswith("<"):
        return True
    return _meaning(code) in written.get(_called(code), ())


@functools.lru_cache(maxsize=1024)
def _written(path: Path, time: int, size: int) -> dict[str, list[Meaning]]:
    """What a file's functions mean, by qualified name."""
    found: dict[str, list[Meaning]] = {}
    try:
        waiting = [compile(path.read_bytes(), str(path), "exec", dont_inherit=True)]
    except (SyntaxError, ValueError):
        return found
    while waiting:
        code = waiting.pop()
        found.setdefault(_called(code), []).append(_meaning(code))
        waiting += [one for one in code.co_consts if isinstance(one, CodeType)]
    return found


def _called(code: CodeType) -> str:
    return str(getattr(code, "co_qualname", code.co_name))


def _meaning(code: CodeType) -> Meaning:
    """Code without its place in the file and its docstring."""
    consts = [repr(_meaning(one)) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    if code.co_consts and isinstance(code.co_consts[0], str):
        consts[0] = "None"
    return (code.co_code, code.co_names, code.co_varnames, code.co_freevars, tuple(consts))
