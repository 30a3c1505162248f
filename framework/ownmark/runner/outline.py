"""What a run consists of, written when it starts: for those who ask from another terminal how far it is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ownmark.errors import OwnmarkError
from ownmark.runner.cell import Cell
from ownmark.runner.graph import Graph
from ownmark.runner.store import write_text
from ownmark.runner.yamlfile import Document

NAME = "outline.json"


@dataclass(frozen=True)
class Outline:
    """A run as `run` set out to do it.

    Args:
        store: its address. plan: text and name. stages: (digest, kind, label) each.
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
    found = {"store": store, "plan": (document.text, document.name), "stages": stages, "cells": cells}
    write_text(folder / NAME, json.dumps(found))


def read_outline(folder: Path) -> Outline:
    """The outline of a run folder.

    Raises:
        OwnmarkError: there is none, or it is damaged.
    """
    try:
        found: dict[str, Any] = json.loads((folder / NAME).read_text())
        return Outline(
            str(found["store"]), (str(found["plan"][0]), str(found["plan"][1])),
            tuple((str(key), str(kind), str(label)) for key, kind, label in found["stages"]),
            {str(id): (str(label), tuple(map(int, ranks))) for id, (label, ranks) in found["cells"].items()},
        )  # fmt: skip
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise OwnmarkError(
            f"{folder}: holds no {NAME} that can be read ({error}); give a folder that `ownmark run` of this version "
            "has written or is writing (runs/NAME)"
        ) from error
