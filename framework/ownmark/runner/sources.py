"""What code means, as hashes: the sources that will run, followed through their imports without importing them.

A module counts as source unless it belongs to the standard library or to an installed distribution, which enters by its
version; packs of ownmark and editable installs are source. Comments, docstrings and formatting mean nothing. What is
kept in memory is kept by path, time and size, so an edit within one process is seen. CONTRIBUTING says what is not.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from importlib_metadata import packages_distributions

from ownmark.discovery.index import versions_of
from ownmark.importing import place_of
from ownmark.runner.loaded import require_current
from ownmark.runner.written import lately

MEANINGLESS = frozenset({"ownmark", "ownmark.errors", "ownmark.methods", "ownmark.hookspecs"})
"""Modules of the core that hold names and sentences; no result depends on them."""
ENVIRONMENT = frozenset({
    "torch", "pytorch_lightning", "lightning_fabric", "lightning", "torchmetrics", "pluggy", "yaml",
    "importlib_metadata", "pydantic", "typing_extensions", "safetensors", "filelock", "click",
    "rich", "numpy", "scipy", "sklearn",
    "matplotlib", "urllib3",
})  # fmt: skip
"""What ownmark itself stands on: named in every entry's environment, and in no digest."""
_FILE = re.compile(r"[\w][\w./-]*\.\w{1,8}")
_STANDARD = sysconfig.get_path("stdlib")
_INSTALLED = tuple({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})


_watched: dict[Path, tuple[int, int, int]] = {}
_known: set[str] = set()


@dataclass(frozen=True)
class Source:
    """One module's file.

    Args:
        meaning: hash of its syntax tree. imports: names it may import. names: of files that its text mentions.
    """

    meaning: str
    imports: tuple[str, ...]
    names: tuple[str, ...]


def source_digest(*modules: str, data: Iterable[str] = ()) -> str:
    """SHA-256 over what modules, and everything they import, directly or not, mean.

    Args:
        data: files beside the code, `"package:path"`, whose bytes count.

    Raises:
        StaleModule: a module was imported before its file was changed, so that what is hashed is not what would run.
    """
    found = dict(_followed(modules))
    found |= {name: _bytes_of(data_file(name)) for name in data}
    state = hashlib.sha256()
    for name in sorted(found):
        state.update(f"{name}\0{found[name]}\0".encode())
    return state.hexdigest()


def known() -> frozenset[str]:
    """Modules with files that a digest of this process has followed."""
    return frozenset(_known)


def watch(modules: Iterable[str]) -> None:
    """Remember what the files of modules are like, so that `moved` sees a change; imports none of them."""
    for name in modules:
        path = _path(name)
        if path is not None:
            _looked_at(path)


def moved() -> Path | None:
    """A file that decides a digest of this process, and was touched since it was first looked at; None if none was."""
    return next((path for path, stamp in _watched.items() if _stamp(path) != stamp), None)


def _looked_at(path: Path) -> None:
    _watched.setdefault(path, _stamp(path))


def _stamp(path: Path) -> tuple[int, int, int]:
    """Changes with every write, also with one that puts back what was there."""
    try:
        stat = path.stat()
    except OSError:
        return (0, 0, 0)
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def data_file(name: str) -> Path:
    """The path of `"package:path"`."""
    package, _, path = name.partition(":")
    place = _path(package)
    return (place.parent if place else Path(package)) / path


def _followed(modules: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Names and hashes of sources, of files that they mention, and names and versions of distributions."""
    seen: set[str] = set()
    waiting = list(modules)
    asked = {name.partition(".")[0] for name in waiting}
    while waiting:
        name = waiting.pop()
        if name in seen or name in MEANINGLESS:
            continue
        seen.add(name)
        top = name.partition(".")[0]
        path = _path(name)
        if path is None or (top in sys.stdlib_module_names and str(path).startswith(_STANDARD)):
            continue
        pack = top.partition("_")[0] == "ownmark" or (top in asked and _is_installed(path))
        if not pack and _is_installed(path):
            if top not in ENVIRONMENT:
                yield f"distribution {top}", _version_of(top)
            continue
        _looked_at(path)
        _known.add(name)
        stat = path.stat()
        read = _read.__wrapped__ if lately(stat) else _read
        source = read(path, name, stat.st_mtime_ns, stat.st_size)
        require_current(name, source.meaning)
        yield name, source.meaning
        yield from _mentioned(path, source)
        waiting += source.imports
        if not pack:  # a pack's packages only declare
            parts = name.split(".")
            waiting += [".".join(parts[:length]) for length in range(1, len(parts))]


def _mentioned(path: Path, source: Source) -> Iterator[tuple[str, str]]:
    """Files beside a module that its text names."""
    for name in source.names:
        file = path.parent / name
        if file.is_file():
            yield f"file {name} of {path.stem}", _bytes_of(file)


def _bytes_of(path: Path) -> str:
    _looked_at(path)
    try:
        stat = path.stat()
    except OSError:
        return "absent"
    hashed = _file_hash.__wrapped__ if lately(stat) else _file_hash
    return hashed(path, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=4096)
def _file_hash(path: Path, time: int, size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# --- where a module is ----------------------------------------------------------------------------------------------


def _path(name: str) -> Path | None:
    """The Python file of a module, found without importing anything; None for a name that is no such file."""
    top, *parts = name.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return _here(top, parts)
    if not parts:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    for folder in spec.submodule_search_locations or ():
        if path := _file_in(Path(folder), parts):
            return path
    return None


def _here(top: str, parts: Sequence[str]) -> Path | None:
    """As `_path`, of what lies in the current folder alone."""
    place = place_of(top)
    return None if place is None else _file_in(place.parent, [top, *parts])


def _file_in(folder: Path, parts: Sequence[str]) -> Path | None:
    place = Path(folder, *parts)
    return next(
        (path for path in (place / "__init__.py", place.with_name(f"{place.name}.py")) if path.is_file()),
        None,
    )


def _is_installed(path: Path) -> bool:
    return str(path).startswith(_INSTALLED + _base_installed())


@functools.cache
def _base_installed() -> tuple[str, ...]:
    """Where packages lie that another environment lends to this one."""
    return tuple(entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages"))


@functools.cache
def _version_of(top: str) -> str:
    """Versions of the distributions that bring a top-level name."""
    names = [top]
    if not versions_of(top):  # the distribution has another name; looking for it reads them all
        names = sorted(set(packages_distributions().get(top, ())))
    return ", ".join(f"{name} {' and '.join(versions_of(name))}" for name in names) or "unknown"


# --- what a module says ---------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=4096)
def _read(path: Path, name: str, time: int, size: int) -> Source:
    text = path.read_bytes()
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return Source(hashlib.sha256(text).hexdigest(), (), ())
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    parts: list[str] = []
    _spell(tree, parts)
    meaning = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    names = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _FILE.fullmatch(node.value)
    }
    return Source(meaning, tuple(dict.fromkeys(_imports(tree, package))), tuple(sorted(names)))


def _spell(node: object, parts: list[str]) -> None:
    """A syntax tree as text: no positions, no statement that is a bare string, no empty field."""
    if isinstance(node, ast.AST):
        parts.append(type(node).__name__)
        for name, value in ast.iter_fields(node):
            if value is not None and value != [] and name not in ("kind", "type_comment"):
                parts.append(name)
                _spell(value, parts)
        parts.append(")")
    elif isinstance(node, list):
        for one in node:
            if not _is_remark(one):
                _spell(one, parts)
        parts.append("]")
    else:
        parts.append(repr(node))


def _is_remark(node: object) -> bool:
    """A string that stands alone is a docstring, or the help of a field."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    """Names that a module may import; `from a import b` may mean the module `a.b`."""
    if isinstance(tree, ast.If) and "TYPE_CHECKING" in ast.dump(tree.test):
        for node in tree.orelse:
            yield from _imports(node, package)
        return
    if isinstance(tree, ast.Import):
        yield from (alias.name for alias in tree.names)
    elif isinstance(tree, ast.ImportFrom):
        base = _absolute("." * tree.level + (tree.module or ""), package)
        yield base
        yield from (f"{base}.{alias.name}" for alias in tree.names)
    elif isinstance(tree, ast.Call) and (named := _by_name(tree)):
        yield _absolute(named, package)
    for child in ast.iter_child_nodes(tree):
        yield from _imports(child, package)


def _by_name(call: ast.Call) -> str:
    """The module of `importlib.import_module("...")` and `__import__("...")`, where it is written out."""
    function = call.func
    called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    first = call.args[0] if call.args else None
    if called in ("import_module", "__import__", "reload") and isinstance(first, ast.Constant):
        return first.value if isinstance(first.value, str) else ""
    return ""


def _absolute(name: str, package: str) -> str:
    """A name with leading dots, seen from `package`."""
    inner = name.lstrip(".")
    level = len(name) - len(inner)
    if not level:
        return name
    steps = package.split(".")
    return ".".join([*steps[: len(steps) - level + 1], inner]).rstrip(".")
