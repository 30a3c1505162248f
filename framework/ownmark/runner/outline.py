"""What a run consists of, written when it starts: for those who ask from another terminal how far it is."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ownmark import strictjson
from ownmark.errors import OwnmarkError
from ownmark.foreign import redacted, shown
from ownmark.runner.cell import Cell
from ownmark.runner.graph import Graph
from ownmark.runner.store import write_text
from ownmark.runner.yamlfile import Document

NAME = "outline.json"
_DIGEST, _KIND, _CELL = (
    re.compile(r"[0-9a-f]{8,64}"),
    re.compile(r"[a-z][a-z0-9 _-]*"),
    re.compile(r"[0-9a-f]{12}"),
)


@dataclass(frozen=True)
class Outline:
    """A run as `run` set out to do it.

    Args:
        store: its address, without a password. plan: text and name. stages: (digest, kind, label) each.
        cells: of each cell's id the positions of its stages, and its label.
    """

    store: str
    plan: tuple[str, str]
    stages: tuple[tuple[str, str, str], ...]
    cells: dict[str, tuple[str, tuple[int, ...]]]


def write_outline(folder: Path, graph: Graph[Cell], store: str, document: Document) -> None:
    """Leave the outline in the run folder."""
    ranks = {key: rank for rank, key in enumerate(graph.nodes)}
    stages = [(key, node.stage, node.label) for key, node in graph.nodes.items()]
    cells = {cell.id: (cell.label, [ranks[key] for key in keys]) for cell, keys in graph.wanted.items()}
    found = {
        "store": redacted(store),
        "plan": (document.text, document.name),
        "stages": stages,
        "cells": cells,
    }
    write_text(folder / NAME, json.dumps(found))


def _like(pattern: re.Pattern[str], text: Any) -> str:
    """A name that leads nowhere else; an outline may be anybody's."""
    if not pattern.fullmatch(text):
        raise ValueError(f"{text!r:.60} is no name of a stage or cell")
    return str(text)


def read_outline(folder: Path) -> Outline:
    """The outline of a run folder.

    Raises:
        OwnmarkError: there is none, or it is damaged.
    """
    try:
        found: dict[str, Any] = strictjson.read(folder / NAME)
        return Outline(
            str(found["store"]), (str(found["plan"][0]), str(found["plan"][1])),
            tuple((_like(_DIGEST, key), _like(_KIND, kind), str(label)) for key, kind, label in found["stages"]),
            {_like(_CELL, id): (str(label), tuple(map(int, ranks))) for id, (label, ranks) in found["cells"].items()},
        )  # fmt: skip
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        raise OwnmarkError(
            f"{folder}: holds no {NAME} that can be read ({shown(error, 200)}); give a folder that `ownmark run` of "
            "this version has written or is writing (runs/NAME)"
        ) from error
