"""What `claim.json` and the verdict of an evidence folder may say: whoever wrote them may be a claimant.

Types and bounds are those of what `embed` and `evidence` write, so that nothing else is computed with: no list of null
models that is none, no billion of decoys, no name that is a number. Further fields are left as they are.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError
from typing_extensions import NotRequired, TypedDict

from ownmark.errors import UntrustedFile
from ownmark.foreign import shown
from ownmark.runner.plan import LEAST_RATE

MOST = 1_000_000
"""Symbols of a key, images, decoys, null models and keys read from them, at most; as in plans."""

Number = Annotated[int, Field(ge=0, le=MOST)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(ge=LEAST_RATE, lt=0.5)]
Word = Annotated[str, Field(max_length=10_000)]


class Origin(TypedDict):
    """Where a method of a mark came from."""

    distribution: Word
    version: Word


class Method(TypedDict):
    """A method as plans and marks write it; those of version 0.1 say no origin."""

    id: Word
    label: Word
    params: dict[str, Any]
    origin: NotRequired[Origin | None]


def _even(rows: list[list[int]]) -> list[list[int]]:
    if any(len(row) != len(rows[0]) for row in rows):
        raise ValueError("null models with different numbers of keys")
    return rows


class Found(TypedDict):
    """What decoys read on the marked network."""

    n: Annotated[int, Field(ge=1, le=MOST)]
    as_much: Number
    highest: Share
    mean: Share


class Reads(TypedDict):
    """What one reader of a mark needs. Marks of version 0.1 have no `knows` and nothing that follows it."""

    extractor: Method
    access: Literal["white-box", "black-box"]
    own_copy: bool
    queries: Number
    n: Annotated[int, Field(ge=1, le=MOST)]
    chance: Share | None
    symbol: Word
    rate: Rate
    null_hits: Annotated[
        list[Annotated[list[Number], Field(min_length=1)]], Field(max_length=MOST), AfterValidator(_even)
    ]
    knows: NotRequired[Number | None]
    own_hits: NotRequired[Annotated[list[Number], Field(max_length=MOST)]]
    tests: NotRequired[Literal["both", "nulls", "decoys"]]
    public: NotRequired[bool]
    born: NotRequired[bool]
    decoys: NotRequired[Number]
    bits: NotRequired[Annotated[float, Field(ge=0, le=MOST)] | None]
    found: NotRequired[Found | None]


class Derivation(TypedDict):
    """Of a key that was drawn from a commitment."""

    sha256: Word
    randomness: Word


class Says(TypedDict):
    """`claim.json`, as far as a verdict rests on it."""

    scheme: Method
    task: Word
    key: Word
    readers: Annotated[dict[Word, Reads], Field(min_length=1, max_length=1000)]
    derivation: NotRequired[Derivation | None]
    data: NotRequired[Any]
    images: NotRequired[Word]
    released: NotRequired[dict[Word, Word]]


class Suspect(TypedDict):
    """What a verdict is about."""

    given: Word
    sha256: NotRequired[Word]


class Told(TypedDict):
    """`verdict.json`, as far as it is asked again."""

    suspect: Suspect
    reader: Word
    judged_at: Rate
    sequential: bool
    access: Literal["white-box", "black-box"]
    allowed: Annotated[int, Field(ge=0)] | None


def checked_claim(about: Mapping[str, Any], where: str) -> dict[str, Any]:
    """`about`, which is a claim.

    Raises:
        UntrustedFile: it is none; says which field.
    """
    found = _checked(Says, about, where)
    for name, reads in found["readers"].items():
        counted = [hits for row in reads["null_hits"] for hits in row] + reads.get("own_hits", [])
        if "decoys" in reads and not {"tests", "born"} <= reads.keys():
            raise UntrustedFile(f"{where}: incomplete or altered: reader {shown(name, 60)}")
        if reads["chance"] is None and not reads["null_hits"]:
            raise UntrustedFile(f"{where}: reader {shown(name, 60)} has neither a chance nor null models")
        if any(hits > reads["n"] for hits in counted):
            raise UntrustedFile(
                f"{where}: null models of {shown(name, 60)} match more symbols than there are"
            )
    return found


def checked_verdict(told: Any, where: str) -> dict[str, Any]:
    """`told`, which is a verdict of `evidence`.

    Raises:
        UntrustedFile: it is none; says which field.
    """
    return _checked(Told, told, where)


def _checked(kind: type, found: Any, where: str) -> dict[str, Any]:
    try:
        _adapter(kind).validate_python(found, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise UntrustedFile(
            f"{where}: incomplete or altered: {shown(place, 100)}: {shown(first['msg'], 100)}, found "
            f"{shown(repr(first['input'])[:2000], 60)}"
        ) from None
    kept: dict[str, Any] = dict(found)
    return kept


@functools.cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
