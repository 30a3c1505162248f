"""YAML with line numbers, so that a plan's errors can point at the line.

A plan is data: names, text, numbers, truth values, lists and mappings. Nothing else that YAML can say is taken (dates,
sets, binary), and nothing without end: the limits are stated here and are checked before anything is built.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ownmark.errors import PlanError

Path_ = tuple[str | int, ...]

CHARACTERS, DEPTH, NODES = 2**20, 40, 100_000
"""Characters of a file, levels of nesting, and values in it, aliases counted as often as they stand."""


@dataclass(frozen=True)
class Document:
    """A parsed YAML file.

    Args:
        data: plain Python values. name: for messages.
        lines: path of keys and positions -> line, counted from 1. text: as it was written.
    """

    data: Any
    name: str
    lines: dict[Path_, int]
    text: str = ""

    @property
    def folder(self) -> Path | None:
        """Where the file is; None in the working folder, and for a plan that a pack brings."""
        folder = Path(self.name).parent
        return None if folder == Path() else folder

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
    """SafeLoader that reads `1e-3` as the number that everybody means by it, and a date as text."""


def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    known = yaml.SafeLoader.yaml_implicit_resolvers.items()
    return {first: [one for one in found if not one[0].endswith(":timestamp")] for first, found in known}


_TAG = "tag:yaml.org,2002:"
_OLD_NUMBER = re.compile(r"[-+]?(?:0[0-7_]+$|\d[\d_]*:)")
"""`010` and `1:30`, which are 8 and 90 to YAML and to nobody who writes them."""
_KINDS = {_TAG + kind for kind in ("str", "int", "float", "bool", "null", "seq", "map", "merge")}
_Loader.yaml_implicit_resolvers = _resolvers()
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+\.\d*|\.\d+|\d+)([eE][-+]?\d+)?$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$"),
    list("-+0123456789."),
)


def parse(text: str, name: str) -> Document:
    """Parse YAML text.

    Raises:
        PlanError: not YAML, a key given twice, a value that is none, or more than the limits allow; with file and line.
    """
    if len(text) > CHARACTERS:
        raise PlanError([f"{name}: {len(text):,} characters; a plan has {CHARACTERS:,} at most"])
    try:
        _require_shallow(text, name)
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None:
            return Document(None, name, {}, text)
        visitor = _Visitor(name, loader)
        visitor.visit(root, ())
        if visitor.problems:
            raise PlanError(visitor.problems)
        data, lines = loader.construct_document(root), visitor.lines
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise PlanError([f"{name}:{line}: not valid YAML: character #x{error.character:04x}"]) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        begun = error.context_mark.line + 1 if error.context_mark else line
        since = f", {error.context} that begins in line {begun}" if begun < line else ""
        raise PlanError(
            [f"{name}:{line}: not valid YAML: {error.problem or error.context}{since}"]
        ) from error
    except RecursionError as error:
        raise PlanError([f"{name}: nested too deeply"]) from error
    return Document(data, name, lines, text)


def read(path: Path) -> Document:
    """Parse a file; a missing or unreadable one is a `PlanError`."""
    try:
        if not path.is_file():  # nor a pipe that nobody writes to
            raise FileNotFoundError("no such file")
        with path.open(encoding="utf-8") as file:
            return parse(file.read(CHARACTERS + 1), str(path))
    except (OSError, ValueError) as error:
        raise PlanError([f"{path}: cannot be read ({error})"]) from error


def _require_shallow(text: str, name: str) -> None:
    """Read the file's events, which takes no stack, before the reader that follows the nesting."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise PlanError([f"{name}:{line}: nested more than {DEPTH} levels deep"])


class _Visitor:
    """Notes the line of everything in a document, and what YAML allows and a plan does not."""

    def __init__(self, name: str, loader: _Loader) -> None:
        self.lines: dict[Path_, int] = {}
        self.problems: list[str] = []
        self._name = name
        self._loader = loader
        self._nodes = 0

    def visit(self, node: yaml.Node, path: Path_, inside: tuple[yaml.Node, ...] = ()) -> None:
        """Visit a node and what is in it; an alias is visited wherever it stands.

        Raises:
            PlanError: too many values, or too deep.
        """
        line = self.lines.setdefault(path, node.start_mark.line + 1)
        self._nodes += 1
        if self._nodes > NODES:
            raise PlanError(
                [f"{self._name}:{line}: more than {NODES:,} values, aliases counted where they stand"]
            )
        if len(inside) > DEPTH:
            raise PlanError([f"{self._name}:{line}: nested more than {DEPTH} levels deep"])
        if any(node is outer for outer in inside):
            self._problem(node, "an alias that contains itself")
        elif node.tag not in _KINDS:
            self._problem(
                node, f"`{node.tag.replace(_TAG, '!!'):.40}` has no meaning in a plan; write plain values"
            )
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                inner = self._key(key, path)
                if inner is not None:
                    self.visit(value, inner, (*inside, node))
        elif isinstance(node, yaml.SequenceNode):
            for position, value in enumerate(node.value):
                self.visit(value, (*path, position), (*inside, node))
        else:
            self._value(node)

    def _key(self, key: yaml.Node, path: Path_) -> Path_ | None:
        """The path of a key; None if it is no name."""
        if not isinstance(key, yaml.ScalarNode):
            self._problem(key, "a list or mapping stands where a name is expected")
            return None
        if key.tag not in (_TAG + "str", _TAG + "merge"):
            self._problem(key, f"`{key.value:.40}` stands where a name is expected; put it in quotes")
            return None
        inner = (*path, key.value)
        if inner in self.lines:
            self._problem(key, f"{key.value!r:.60} is given twice (first in line {self.lines[inner]})")
        self.lines[inner] = key.start_mark.line + 1
        return inner

    def _value(self, node: yaml.Node) -> None:
        """See that a scalar is what its form or tag says: `0x_` looks like a number and is none."""
        try:
            value = self._loader.construct_object(node)
        except Exception:
            kind = node.tag.removeprefix(_TAG)
            self._problem(node, f"`{node.value:.40}` cannot be read as {kind}; put text in quotes")
            return
        if node.tag == _TAG + "int" and _OLD_NUMBER.match(node.value):
            self._problem(
                node, f"`{node.value:.40}` is the number {value} in YAML; write that, or put text in quotes"
            )

    def _problem(self, node: yaml.Node, text: str) -> None:
        self.problems.append(f"{self._name}:{node.start_mark.line + 1}: {text}")
