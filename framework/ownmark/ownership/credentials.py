"""Passwords, tokens and keys that a service wants, and keeping them out of whatever is shown or written."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from ownmark.errors import OwnmarkError
from ownmark.foreign import HIDDEN, TOKEN, redacted, shown

SHORTEST = 4
"""Characters of a secret that is looked for in texts; shorter ones would be found in every word."""
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def authorization(url: str) -> dict[str, str]:
    """The header that stands for `name:password@` in an address; none without."""
    told = _userinfo(url)
    return {"Authorization": f"Basic {base64.b64encode(unquote(told).encode()).decode()}"} if told else {}


def _userinfo(url: str) -> str:
    """What stands before the last `@` of an address, the query apart."""
    return url.partition("://")[2].partition("#")[0].partition("?")[0].rpartition("@")[0]


class Redactor:
    """Takes the secrets of a service out of texts.

    Args:
        url, headers: of the service. Of headers all values count, whatever they are called.
    """

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        found = {one for one in _secrets(url, headers) if len(one) >= SHORTEST}
        forms = {
            form for one in found for form in (one, repr(one)[1:-1], json.dumps(one)[1:-1], unquote(one))
        }
        longest = sorted(forms, key=len, reverse=True)
        self._url, self._shown = url, redacted(url)
        self._pattern = re.compile("|".join(map(re.escape, longest))) if longest else None

    def __call__(self, text: str) -> str:
        """`text` with `***` in place of each secret."""
        text = text.replace(self._url, self._shown)
        return self._pattern.sub(HIDDEN, text) if self._pattern else text


def _secrets(url: str, headers: Mapping[str, str]) -> Iterator[str]:
    for value in (*headers.values(), *authorization(url).values()):
        yield value
        yield from (
            part for part in re.split(r"[\s,;]+", value) if part.lower() not in ("bearer", "basic", "token")
        )
    _, _, rest = url.partition("://")
    place, _, query = rest.partition("?")
    if told := _userinfo(url):
        yield from (told, *told.split(":", 1))
    for part in place.split("/")[1:]:
        if TOKEN.fullmatch(part):
            yield part
    yield from (value for _, value in parse_qsl(query.partition("#")[0]))
    yield from (one.partition("=")[2] for one in query.split("&"))


def checked_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The same headers.

    Raises:
        OwnmarkError: a name or a value that HTTP does not know; names the header and never its value.
    """
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise OwnmarkError(
                "a header's name holds letters, digits and `-`, and stands before a colon: NAME:VALUE"
            )
        if not value.isprintable() or not value.isascii():
            raise OwnmarkError(
                f"header {shown(name, 60)}: its value holds a line end, another control character or a letter beyond "
                "ASCII; the value is not shown here"
            )
    return headers


def gathered(plain: Sequence[str], from_env: Sequence[str], file: Path | None) -> dict[str, str]:
    """Headers from the command line, from the environment and from a file; the later of one name counts.

    Args:
        plain: `NAME:VALUE` each. from_env: `NAME=VARIABLE` each. file: one `NAME: VALUE` a line.

    Raises:
        OwnmarkError: one cannot be read; says which, and never its value.
    """
    headers = dict(_pair(text, f"--header number {at}") for at, text in enumerate(plain, 1))
    headers |= dict(_from_env(text) for text in from_env)
    return headers | (dict(_lines(file)) if file is not None else {})


def _pair(text: str, where: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not _NAME.fullmatch(name.strip()):
        raise OwnmarkError(f"{where}: expected NAME:VALUE")
    return name.strip(), value.strip()


def _from_env(text: str) -> tuple[str, str]:
    name, sign, variable = text.partition("=")
    if not sign or not _NAME.fullmatch(name.strip()) or not variable.strip():
        raise OwnmarkError("--header-from-env: expected NAME=VARIABLE, say Authorization=MY_TOKEN")
    value = os.environ.get(variable.strip())
    if value is None:
        raise OwnmarkError(
            f"--header-from-env {name.strip()}: there is no variable of the name given after `=`"
        )
    return name.strip(), value.strip()


def _lines(file: Path) -> Iterable[tuple[str, str]]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise OwnmarkError(f"--header-file {file}: cannot be read ({reason})") from None
    return [
        _pair(line, f"--header-file {file}:{at}")
        for at, line in enumerate(lines, 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
