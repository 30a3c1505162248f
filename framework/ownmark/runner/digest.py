"""What a stage depends on, as hashes: parameters, and the source of the code that will run (see `sources`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any

from ownmark.config import to_plain
from ownmark.methods import Declaration
from ownmark.runner.sources import source_digest


def digest(value: Any) -> str:
    """SHA-256 of a JSON-ready value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=to_plain).encode()).hexdigest()


def identity(
    declaration: Declaration,
    config: Any,
    nested: Iterable[Any] = (),
    source: Callable[..., str] = source_digest,
) -> dict[str, Any]:
    """All that decides what a method does: name, version, source and parameters, nested methods included.

    Parameters that name code have a method `sources`, which says in which modules it is.

    Args:
        source: `source_digest`, or what remembers its answers.
    """
    named = config.sources() if hasattr(config, "sources") else ()
    return {
        **({"named": [source(module) for module in named]} if named else {}),
        "method": f"{declaration.kind}:{declaration.name}",
        "version": declaration.version,
        "needs": sorted(map(str, declaration.needs)),
        "source": source(*_modules(declaration), data=tuple(declaration.data)),
        "params": to_plain(config),
        "nested": list(nested),
    }


def _modules(declaration: Declaration) -> list[str]:
    """Where a method's code and its parameter class are."""
    return [name.partition(":")[0] for name in (declaration.target, declaration.config) if name]
