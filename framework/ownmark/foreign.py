"""Text that others wrote, made fit to be shown: in a terminal, in an error, in a cell of a table.

A service's answer, the name of a tensor, a label in somebody's record, the summary of a pack: any of them may hold
escape sequences that paint over a verdict, megabytes, or a formula. Whatever is shown of them goes through here,
and so do addresses with passwords in them.
"""

from __future__ import annotations

import re
from pathlib import Path

LINE = 300
"""Characters of one line, at most."""
PARAGRAPH = 4000
"""Characters of a text of several lines, at most."""
HIDDEN = "***"
TOKEN = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w.~%+=-]{16,}")
"""Part of an address that may be a secret."""
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


def redacted(url: str) -> str:
    """An address without what may be secret in it: name and password, values of a query, parts that look like tokens.

    >>> redacted("https://me:pw@their.service/v1/predict?key=abc#x")
    'https://***@their.service/v1/predict?key=***'
    """
    scheme, slashes, rest = url.partition("://")
    if not slashes:
        return url
    place, _, query = rest.partition("#")[0].partition("?")
    host, slash, path = place.partition("/")
    if "@" in place:  # a password may hold a slash or an `@`, written wrongly
        before, _, after = place.rpartition("@")
        host, slash, path = after.partition("/")
        host = f"{HIDDEN}@{host}" if before else host
    parts = [HIDDEN if TOKEN.fullmatch(part) else part for part in path.split("/")]
    pairs = [f"{one.partition('=')[0]}={HIDDEN}" if "=" in one else HIDDEN for one in query.split("&") if one]
    return f"{scheme}://{host}{slash}{'/'.join(parts)}{'?' if pairs else ''}{'&'.join(pairs)}"


def lies_in(folder: Path, path: Path) -> bool:
    """Whether a path leads into a folder, links followed; False where they lead in a circle, or it is no path."""
    try:
        return folder.resolve() in path.resolve().parents
    except (OSError, RuntimeError, ValueError):
        return False


def holds(folder: Path, name: str) -> bool:
    """Whether a folder holds a file of that name, which may be any text, links followed."""
    try:
        return lies_in(folder, folder / name) and (folder / name).is_file()
    except (OSError, ValueError):  # no name that a file can have
        return False


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]} ... ({len(text) - most:,} more characters)"


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escape(letter) for letter in text)


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
