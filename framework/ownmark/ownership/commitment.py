"""Keys nobody can choose: a committed secret, and public randomness that came later.

Whoever may choose a key can choose one that an innocent network happens to answer: triggers optimised on one's own
networks claim everybody's. So the owner first publishes a salted hash of a secret, with what will be marked and how;
the key is drawn from the secret *and* a string that nobody knew then (a beacon's round, a block's hash). A judge who
is shown the secret draws the key again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ownmark.errors import OwnmarkError, UntrustedFile
from ownmark.foreign import shown
from ownmark.ownership.folder import appearing, inside
from ownmark.ownership.stamps import STAMP
from ownmark.runner.places import writing

FORMAT, SECRET_FORMAT = "ownmark commitment 1", "ownmark secret 1"
PUBLIC, PRIVATE = "commitment.json", "secret.json"
SEED_BITS = 62
"""Of the seed that keys are drawn from."""


def canonical(value: Any) -> str:
    """JSON with one spelling for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class Commitment:
    """What is published.

    Args:
        digest: SHA-256, hex, of salt, secret and statement. statement: scheme, parameters, data, host: all that says
            which keys may come out.
    """

    digest: str
    statement: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """For `commitment.json`."""
        return {"format": FORMAT, "sha256": self.digest, "statement": dict(self.statement)}

    @classmethod
    def from_json(cls, data: Any, where: str) -> Commitment:
        """The inverse of `to_json`.

        Raises:
            UntrustedFile: it is something else.
        """
        if not isinstance(data, Mapping) or data.get("format") != FORMAT:
            raise UntrustedFile(f"{where}: expected {FORMAT!r}")
        digest, statement = data.get("sha256"), data.get("statement")
        if not isinstance(digest, str) or not isinstance(statement, Mapping):
            raise UntrustedFile(f"{where}: incomplete or altered")
        return cls(digest, statement)


@dataclass(frozen=True)
class Secret:
    """What is kept until a dispute: 32 random bytes and the salt of the commitment, in hex."""

    secret: str = field(repr=False)
    salt: str = field(repr=False)

    @classmethod
    def drawn(cls) -> Secret:
        """A new one, from the system's randomness."""
        return cls(secrets.token_hex(32), secrets.token_hex(16))

    def commit(self, statement: Mapping[str, Any]) -> Commitment:
        """The commitment to this secret and a statement."""
        text = f"ownmark commitment\n{self.salt}\n{self.secret}\n{canonical(statement)}"
        return Commitment(hashlib.sha256(text.encode()).hexdigest(), statement)

    def require_opens(self, commitment: Commitment, where: str) -> None:
        """Refuse a secret, salt or statement that was not committed to.

        Raises:
            UntrustedFile: one of them differs.
        """
        if not hmac.compare_digest(self.commit(commitment.statement).digest, commitment.digest):
            raise UntrustedFile(
                f"{where}: secret, salt or statement are not those of the commitment {shown(commitment.digest, 64)}"
            )

    def seed(self, randomness: str) -> int:
        """The seed of the key: HMAC-SHA256 of the public randomness under the secret, its first 62 bits.

        Raises:
            OwnmarkError: no randomness.
        """
        if len(randomness.strip()) < 8:
            raise OwnmarkError(
                f"{shown(randomness, 40)!r} is no public randomness; name a beacon's round or a block's hash that came "
                "after the commitment, 8 characters at least"
            )
        drawn = hmac.digest(
            bytes.fromhex(self.secret), b"ownmark key\0" + randomness.strip().encode(), "sha256"
        )
        return int.from_bytes(drawn[:8], "big") >> (64 - SEED_BITS)


def write_commitment(
    folder: Path, secret: Secret, statement: Mapping[str, Any], stamp: Callable[[bytes], bytes] | None = None
) -> Commitment:
    """Write `commitment.json`, to be published, and `secret.json`, which only its owner can read.

    Args:
        stamp: gives a time stamp of the published file's bytes, which is put beside it.

    Raises:
        OwnmarkError: the folder exists, no stamp was given, or the disk is full; nothing was written then.
    """
    if folder.exists():
        raise OwnmarkError(f"{folder} exists already; a commitment is made once")
    made = secret.commit(statement)
    public = _text(made.to_json()).encode()
    given = None if stamp is None else stamp(public)
    private = _text({"format": SECRET_FORMAT, "secret": secret.secret, "salt": secret.salt})
    with writing(folder), appearing(folder, private=True) as scratch:
        with os.fdopen(os.open(scratch / PRIVATE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(private)
        (scratch / PUBLIC).write_bytes(public)
        if given is not None:
            (scratch / STAMP).write_bytes(given)
    return made


def read_commitment(folder: Path) -> tuple[Commitment, Secret]:
    """Both files of a folder, checked against each other.

    Raises:
        UntrustedFile: a file is missing or altered, or they do not belong together.
    """
    commitment = Commitment.from_json(_json(folder / PUBLIC), str(folder / PUBLIC))
    secret = secret_from(_json(folder / PRIVATE), str(folder / PRIVATE))
    secret.require_opens(commitment, str(folder))
    return commitment, secret


def secret_from(data: Any, where: str) -> Secret:
    """A secret from the JSON of `secret.json`.

    Raises:
        UntrustedFile: it is something else.
    """
    try:
        found = Secret(data["secret"], data["salt"])
        right = data["format"] == SECRET_FORMAT and len(bytes.fromhex(found.secret)) == 32
        right = (
            right and len(bytes.fromhex(found.salt)) == 16 and found.secret.islower() | found.secret.isdigit()
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UntrustedFile(f"{where}: incomplete or altered") from error
    if not right:
        raise UntrustedFile(f"{where}: incomplete or altered")
    return found


def _text(data: Any) -> str:
    return json.dumps(data, indent=1, sort_keys=True)


def _json(path: Path) -> Any:
    """What a file holds, which must be written as `_text` writes it: no byte may differ."""
    try:
        text = inside(path.parent, path.name).read_text(encoding="utf-8")
        data = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise UntrustedFile(f"{path}: cannot be read ({shown(error)})") from error
    if text != _text(data):
        raise UntrustedFile(f"{path}: was changed")
    return data
