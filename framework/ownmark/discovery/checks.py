"""What a declaration must satisfy before it enters the catalogue."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from ownmark.discovery.problems import Lacking
from ownmark.methods import API, OLDEST_API, Declaration, Kind, Need

RESERVED = frozenset({"none", "default"})
"""What a plan's lists of attacks and extractors say for no attack, and for each scheme's own extractor."""
_ID = re.compile(r"[a-z][a-z0-9_-]*")


def faults(item: Any, kind: Kind) -> list[str]:
    """What is wrong with `item` as a declaration of `kind`, and what to do; each begins with what it is."""
    if not isinstance(item, Declaration):
        return [f"{_shown(item)}, not a Declaration. Return a list of ownmark.methods.Declaration"]
    if item.kind != kind:
        return [f"the {item.kind} {item.id!r}. Return it from ownmark_{item.kind}s"]
    return [f"{kind} {item.id!r}, {fault}" for fault in _faults(item)]


def _faults(method: Declaration) -> Iterator[str]:
    if not isinstance(method.id, str) or not _ID.fullmatch(method.id):
        yield "a malformed id. Write lower-case letters, digits, '_' and '-', beginning with a letter"
    elif method.id in RESERVED:
        yield f"an id that plans use for nothing in particular ({', '.join(sorted(RESERVED))}). Call it otherwise"
    if not isinstance(method.needs, frozenset | set) or not all(isinstance(n, Need) for n in method.needs):
        yield f"whose needs {_shown(method.needs)} are no frozenset of ownmark.methods.Need"
    if not isinstance(method.api, int) or not OLDEST_API <= method.api <= API:
        yield f"made for version {method.api!r} of the contracts; {_api_advice(method.api)}"
    if not _is_reference(method.target):
        yield f"whose target {method.target!r} is not of the form 'package.module:Class'"
    if method.config and not _is_reference(method.config):
        yield f"whose config {method.config!r} is not of the form 'package.module:ConfigClass'"
    if not isinstance(method.summary, str) or not method.summary.strip():
        yield "without a summary. Give it one line for `ownmark list`"
    if method.kind == Kind.SCHEME and not method.extractor:
        yield "without an extractor. Name the one that reads its mark: extractor=..."


def _api_advice(api: Any) -> str:
    if not isinstance(api, int):
        return f"write a whole number, {OLDEST_API} to {API}"
    if api < OLDEST_API:
        return f"this ownmark has {OLDEST_API} to {API}. CONTRIBUTING says in one sentence each what has changed since"
    return f"this ownmark has {OLDEST_API} to {API}. pip install -U ownmark"


def _is_reference(text: Any) -> bool:
    module, colon, name = text.partition(":") if isinstance(text, str) else ("", "", "")
    return bool(module.strip() and colon and name.strip())


def _shown(item: Any) -> str:
    text = repr(item)
    return f"{text[:57]}..." if len(text) > 60 else text


def missing_imports(method: Declaration) -> list[Lacking]:
    """The optional packages a method needs and this machine lacks, with the command that installs each."""
    return [
        Lacking(
            f"{method.kind} {method.name} needs the package {module!r}: "
            f"pip install '{method.distribution}[{extra}]'"
        )
        for module, extra in method.requires.items()
        if not _importable(module)
    ]


def _importable(module: str) -> bool:
    """Whether the top-level package is there, without importing it."""
    package = module.partition(".")[0]
    if package in sys.modules:
        return sys.modules[package] is not None  # None forbids the import
    return find_spec(package) is not None
