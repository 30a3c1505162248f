"""What a Python file says, as far as it can be compared with a module in memory: functions, defaults, constants."""

from __future__ import annotations

import ast
import functools
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

Meaning = tuple[Any, ...]
ELSEWHERE = object()
"""A value that is not written out."""


@dataclass(frozen=True)
class Written:
    """One file.

    Args:
        functions: by qualified name, what code of that name means. defaults: of functions whose name is there once,
            positional ones and those of keywords. constants: by class ("" for the module) and name. taken: names that
            come from another module, with the module and the name there.
    """

    functions: dict[str, list[Meaning]] = field(default_factory=dict)
    defaults: dict[str, tuple[list[Any], dict[str, Any]]] = field(default_factory=dict)
    constants: dict[tuple[str, str], Any] = field(default_factory=dict)
    taken: dict[str, tuple[str, str]] = field(default_factory=dict)


def plain(value: Any) -> bool:
    """A number, a text, a truth value, none, or a tuple of such: what nobody changes in place."""
    return type(value) in (int, float, complex, str, bytes, bool, type(None)) or (
        type(value) is tuple and all(map(plain, value))
    )


def lately(stat: os.stat_result) -> bool:
    """Whether a file was changed so short ago that another edit might leave it the same time: clocks tick."""
    return time.time_ns() - stat.st_mtime_ns < 2_000_000_000


@functools.lru_cache(maxsize=1024)
def written(path: Path, changed: int, size: int) -> Written:
    """Read a file; one that is no Python says nothing."""
    try:
        text = path.read_bytes()
        tree, code = ast.parse(text), compile(text, str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return Written()
    moving = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    constants = {("", name): value for name, value in _assigned(tree) if name not in moving}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            constants |= {(node.name, name): value for name, value in _assigned(node)}
    return Written(_functions(code), dict(_defaults(tree)), constants, dict(_taken(tree)))


# --- functions ------------------------------------------------------------------------------------------------------


def _functions(code: CodeType) -> dict[str, list[Meaning]]:
    found: dict[str, list[Meaning]] = {}
    waiting = [code]
    while waiting:
        one = waiting.pop()
        found.setdefault(str(getattr(one, "co_qualname", one.co_name)), []).append(meaning_of(one))
        waiting += [inner for inner in one.co_consts if isinstance(inner, CodeType)]
    return found


def meaning_of(code: CodeType) -> Meaning:
    """Code without its place in the file and its docstring."""
    consts = [repr(meaning_of(one)) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    if code.co_consts and isinstance(code.co_consts[0], str):
        consts[0] = "None"
    return (code.co_code, code.co_names, code.co_varnames, code.co_freevars, tuple(consts))


def _defaults(tree: ast.Module) -> Iterator[tuple[str, tuple[list[Any], dict[str, Any]]]]:
    """Of functions of the module and of its classes, if the name is given once and nothing is put around them."""
    found = [*_named(tree, "")]
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found += _named(node, f"{node.name}.")
    count = Counter(name for name, _ in found)
    for name, node in found:
        if count[name] == 1 and not node.decorator_list:
            given = node.args
            keywords = {
                one.arg: _value(value)
                for one, value in zip(given.kwonlyargs, given.kw_defaults, strict=True)
                if value is not None
            }
            yield name, ([_value(value) for value in given.defaults], keywords)


def _named(
    node: ast.Module | ast.ClassDef, prefix: str
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for one in node.body:
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + one.name, one


# --- constants ------------------------------------------------------------------------------------------------------


def _assigned(node: ast.Module | ast.ClassDef) -> Iterator[tuple[str, Any]]:
    """Names that stand for a written-out value, and are bound nowhere else in the block."""
    bound = Counter(name for one in node.body for name in _bound(one))
    for one in node.body:
        value = one.value if isinstance(one, ast.Assign | ast.AnnAssign) else None
        targets = one.targets if isinstance(one, ast.Assign) else [getattr(one, "target", None)]
        for target in targets if value is not None else ():
            if isinstance(target, ast.Name) and bound[target.id] == 1 and plain(known := _value(value)):
                yield target.id, known


def _bound(node: ast.stmt) -> Iterator[str]:
    """Names that a statement may bind in its block."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    for one in ast.walk(node):
        if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load):
            yield one.id
        elif isinstance(one, ast.alias):
            yield (one.asname or one.name).partition(".")[0]


def _taken(tree: ast.Module) -> Iterator[tuple[str, tuple[str, str]]]:
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            yield from ((alias.asname or alias.name, (origin, alias.name)) for alias in node.names)


def _value(node: ast.expr | None) -> Any:
    """What is written out, negative numbers and tuples included; `ELSEWHERE` for all else."""
    try:
        return ast.literal_eval(node) if node is not None else ELSEWHERE
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ELSEWHERE
