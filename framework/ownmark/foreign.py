"""Text that others wrote, made fit to be shown: in a terminal, in an error, in a cell of a table.

A service's answer, the name of a tensor, a label in somebody's record, the summary of a pack: any of them may hold
escape sequences that paint over a verdict, megabytes, or a formula. Whatever is shown of them goes through here.
"""

from __future__ import annotations

LINE = 300
"""Characters of one line, at most."""
PARAGRAPH = 4000
"""Characters of a text of several lines, at most."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How spreadsheets recognise a formula; the last four are the wide forms of the first."""


def shown(value: object, most: int = LINE) -> str:
    """One line: control, escape and invisible characters escaped as in Python, and no longer than `most`.

    >>> shown("gone\\x1b[2K\\rCLAIM")
    'gone\\\\x1b[2K\\\\rCLAIM'
    """
    return _escaped(_shortened(_text(value), most))


def paragraph(value: object, most: int = PARAGRAPH) -> str:
    """As `shown`, of several lines: line ends stay, tabs become blanks."""
    lines = _shortened(_text(value), most).replace("\r\n", "\n").expandtabs(4).split("\n")
    return "\n".join(_escaped(line) for line in lines)


def quoted_cell(text: str) -> str:
    """A text as the cell of a spreadsheet that takes it for text: with `'` before what would be a formula.

    Numbers are not for this function: `-0.5` would become a text.
    """
    return f"'{text}" if text.lstrip(" \v\f\u00a0\ufeff").startswith(_FORMULA) else text


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]} ... ({len(text) - most:,} more characters)"


def _escaped(text: str) -> str:
    return "".join(letter if letter.isprintable() else _escape(letter) for letter in text)


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
