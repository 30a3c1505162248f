"""What a report is made of, before it is Markdown or HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ownmark.report.cells import Line

Entry = tuple[Line, ...]


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """A paragraph of plain text."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of plain texts."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table whose entries are lines with tones."""

    header: tuple[str, ...]
    rows: tuple[tuple[Entry, ...], ...]
    matrix: bool = False
    """Whether HTML colours whole entries by their tone, and sets them in a larger grid."""


@dataclass(frozen=True)
class Picture:
    """A PNG in the run folder."""

    path: str
    """Relative to the run folder."""
    alt: str


@dataclass(frozen=True)
class Gallery:
    """Pictures that belong side by side."""

    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Links:
    """Other files of the report: what they show, and their paths relative to the run folder."""

    items: tuple[tuple[str, str], ...]


Block = Heading | Text | Bullets | Table | Picture | Gallery | Links


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A `Table` of plain one-line texts."""
    return Table(tuple(header), tuple(tuple((Line(text),) for text in row) for row in rows))
