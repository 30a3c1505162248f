"""Blocks -> Markdown (GitHub's dialect)."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from urllib.parse import quote

from ownmark.foreign import paragraph
from ownmark.report.blocks import Block, Bullets, Entry, Gallery, Heading, Links, Picture, Table, Text

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#&])")


def markdown(blocks: Sequence[Block]) -> str:
    """The document as one text."""
    return "\n\n".join(_block(block) for block in blocks) + "\n"


def escape(text: str) -> str:
    """`text` as Markdown that reads back as the same text, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(paragraph(text).split()))


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {escape(block.text)}"
    if isinstance(block, Text):
        return escape(block.text)
    if isinstance(block, Bullets):
        return "\n".join(f"- {escape(item)}" for item in block.items)
    if isinstance(block, Links):
        return "\n".join(f"- [{escape(text)}]({quote(path)})" for text, path in block.items)
    if isinstance(block, Picture):
        return f"![{escape(block.alt)}]({quote(os.fsencode(block.path))})"
    if isinstance(block, Gallery):
        return "\n\n".join(f"{escape(one.alt)}\n\n{_block(one)}" for one in block.pictures)
    return _table(block)


def _table(table: Table) -> str:
    head = [_row([escape(title) for title in table.header]), _row(["---"] * len(table.header))]
    return "\n".join([*head, *(_row([_entry(entry) for entry in row]) for row in table.rows)])


def _row(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"


def _entry(entry: Entry) -> str:
    texts = [(escape(line.text), line.tone) for line in entry if line.text]
    return "<br>".join(f"**{text}**" if tone == "bad" else text for text, tone in texts)
