"""YAML with line numbers, so that a plan's errors can point at the line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ownmark.errors import PlanError

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A parsed YAML file.

    Args:
        data: plain Python values. name: for messages.
        lines: path of keys and positions -> line, counted from 1.
    """

    data: Any
    name: str
    lines: dict[Path_, int]

    def where(self, path: Sequence[str | int]) -> str:
        """`file:line` of the value at `path`, or of its nearest ancestor that stands in the file."""
        return f"{self.name}:{self.line(path)}"

    def line(self, path: Sequence[str | int]) -> int:
        """The line that `where` names."""
        known = tuple(path)
        while known and known not in self.lines:
            known = known[:-1]
        return self.lines.get(known, 1)


class _Loader(yaml.SafeLoader):
    """SafeLoader that reads `1e-3` as the number that everybody means by it."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+\.\d*|\.\d+|\d+)([eE][-+]?\d+)?$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$"),
    list("-+0123456789."),
)


def parse(text: str, name: str) -> Document:
    """Parse YAML text.

    Raises:
        PlanError: not YAML, or a key given twice; with file and line.
    """
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        lines: dict[Path_, int] = {}
        problems: list[str] = []
        if root is not None:
            _visit(root, (), name, lines, problems)
        if problems:
            raise PlanError(problems)
        data = loader.construct_document(root) if root is not None else None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise PlanError([f"{name}:{line}: not valid YAML: character #x{error.character:04x}"]) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PlanError([f"{name}:{line}: not valid YAML: {error.problem or error.context}"]) from error
    return Document(data, name, lines)


def read(path: Path) -> Document:
    """Parse a file; a missing or unreadable one is a `PlanError`."""
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError([f"{path}: cannot be read ({error})"]) from error


def _visit(
    node: yaml.Node,
    path: Path_,
    name: str,
    lines: dict[Path_, int],
    problems: list[str],
    inside: tuple[yaml.Node, ...] = (),
) -> None:
    """Note the line of everything in a node, and what YAML allows and a plan does not."""
    lines.setdefault(path, node.start_mark.line + 1)
    if node in inside:
        problems.append(f"{name}:{lines[path]}: an alias that contains itself")
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                problems.append(f"{name}:{line}: a list or mapping stands where a name is expected")
                continue
            inner = (*path, key.value)
            if inner in lines:
                problems.append(f"{name}:{line}: {key.value!r} is given twice (first in line {lines[inner]})")
            lines[inner] = line
            _visit(value, inner, name, lines, problems, (*inside, node))
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            _visit(value, (*path, position), name, lines, problems, (*inside, node))
