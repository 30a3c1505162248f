"""Blocks -> one HTML file that needs nothing else: styles inside, pictures as base64, no script."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from html import escape as escape_html
from urllib.parse import quote

from ownmark.foreign import paragraph
from ownmark.report.blocks import Block, Bullets, Entry, Gallery, Heading, Links, Picture, Table, Text

_STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --faint: #6b6b6b; --rule: #ddd;
  --good: #dcebf7; --bad: #f9d9c4; --warn: #f6edc8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --paper: #161616; --faint: #a0a0a0; --rule: #3a3a3a;
  --good: #17364f; --bad: #5a2c0c; --warn: #4a411a; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1200px; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--rule); }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .35rem .7rem; border: 1px solid var(--rule); }
table.matrix td { min-width: 8.5rem; line-height: 1.4; }
table.matrix td:first-child span:first-child { font-weight: 600; }
td.good { background: var(--good); } td.bad { background: var(--bad); } td.warn { background: var(--warn); }
span { display: block; white-space: pre-wrap; } span.muted { color: var(--faint); }
span.good, span.bad, span.warn { font-weight: 600; }
img { max-width: 100%; height: auto; background: #fff; border-radius: 4px; }
.gallery { display: flex; flex-wrap: wrap; gap: 1rem; }
.gallery figure { flex: 0 1 auto; max-width: 22rem; margin: 0; }
figure { margin: 1rem 0; } figcaption { color: var(--faint); font-size: .9em; }
"""


def html(title: str, blocks: Sequence[Block], read: Callable[[str], bytes]) -> str:
    """The document as one self-contained page.

    Args:
        title: of the page.
        blocks: the document.
        read: gives the bytes of a picture by its path.
    """
    body = "\n".join(_block(block, read) for block in blocks)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def escape(text: str) -> str:
    """`text` as HTML that shows it."""
    return escape_html(paragraph(text))


def _block(block: Block, read: Callable[[str], bytes]) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{escape(block.text)}</h{block.level}>"
    if isinstance(block, Text):
        return f"<p>{escape(block.text)}</p>"
    if isinstance(block, Bullets):
        return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in block.items) + "</ul>"
    if isinstance(block, Links):
        made = (f'<li><a href="{quote(path)}">{escape(text)}</a></li>' for text, path in block.items)
        return f"<ul>{''.join(made)}</ul>"
    if isinstance(block, Gallery):
        return f'<div class="gallery">{"".join(_block(one, read) for one in block.pictures)}</div>'
    if isinstance(block, Picture):
        data = base64.b64encode(read(block.path)).decode("ascii")
        alt = escape(block.alt)
        image = f'<img src="data:image/png;base64,{data}" alt="{alt}">'
        return f"<figure>{image}<figcaption>{alt}</figcaption></figure>"
    return _table(block)


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(title)}</th>" for title in table.header)
    rows = "\n".join(f"<tr>{''.join(_entry(e, table.matrix) for e in row)}</tr>" for row in table.rows)
    kind = ' class="matrix"' if table.matrix else ""
    return f'<div class="wide"><table{kind}>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>'


def _entry(entry: Entry, coloured: bool) -> str:
    tones = {line.tone for line in entry}
    tone = next((name for name in ("bad", "warn", "good") if name in tones), "") if coloured else ""
    kind = f' class="{tone}"' if tone else ""
    lines = "".join(f'<span class="{line.tone}">{escape(line.text)}</span>' for line in entry)
    return f"<td{kind}>{lines}</td>"
