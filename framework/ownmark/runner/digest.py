"""What a stage depends on, as hashes: parameters, and the source of the code that will run."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ownmark.config import to_plain
from ownmark.methods import Declaration


def digest(value: Any) -> str:
    """SHA-256 of a JSON-ready value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=to_plain).encode()).hexdigest()


@functools.cache
def source_digest(*modules: str) -> str:
    """SHA-256 over modules' sources and everything they import, directly or not, from their own top-level package
    and from ownmark's contracts, loops and statistics. Found by reading the sources, without importing them."""
    roots = (modules[0].partition(".")[0], "ownmark")
    seen: dict[str, bytes] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in seen or not _followed(name, roots):
            continue
        path = _source(name)
        if path is None:
            continue
        seen[name] = path.read_bytes()
        waiting += _imports(seen[name], name if path.name == "__init__.py" else name.rpartition(".")[0])
    state = hashlib.sha256()
    for name in sorted(seen):
        state.update(f"{name}\0".encode() + seen[name])
    return state.hexdigest()


def _followed(name: str, roots: tuple[str, str]) -> bool:
    top = name.partition(".")[0]
    if top not in roots:
        return False
    layers = ("ownmark.contracts", "ownmark.loops", "ownmark.stats", "ownmark.builtin")
    return top != "ownmark" or name.startswith(layers)


def _source(name: str) -> Path | None:
    """Path of a module's source, found without importing anything."""
    top, *parts = name.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if not parts:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    for folder in spec.submodule_search_locations or ():
        place = Path(folder, *parts)
        for path in (place / "__init__.py", place.with_name(f"{place.name}.py")):
            if path.is_file():
                return path
    return None


def _imports(source: bytes, package: str) -> Iterable[str]:
    """Names that a module may import; `from a import b` may mean the module `a.b`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base]).rstrip(".")
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def identity(declaration: Declaration, config: Any, nested: Iterable[Any] = ()) -> dict[str, Any]:
    """All that decides what a method does: name, version, source and parameters, nested methods included.

    Parameters that name code have a method `sources`, which says in which modules it is.
    """
    named = config.sources() if hasattr(config, "sources") else ()
    return {
        **({"named": [source_digest(module) for module in named]} if named else {}),
        "method": f"{declaration.kind}:{declaration.name}",
        "version": declaration.version,
        "needs": sorted(map(str, declaration.needs)),
        "source": source_digest(*_modules(declaration)),
        "params": to_plain(config),
        "nested": list(nested),
    }


def _modules(declaration: Declaration) -> list[str]:
    """Where a method's code and its parameter class are."""
    return [name.partition(":")[0] for name in (declaration.target, declaration.config) if name]
