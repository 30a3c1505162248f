"""Time stamps (RFC 3161): an authority signs that a commitment existed, before anybody knew the public randomness.

The protocol is `rfc3161-client`'s, which the extra `ownmark[stamps]` installs; here it is asked, kept and believed.
"""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ownmark.errors import OwnmarkError, UntrustedFile
from ownmark.foreign import redacted, shown

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

STAMP = "commitment.tsr"
MOST = 2**16
"""Bytes of a stamp; real ones have a few thousand."""
SECONDS = 30.0
_HASHES = {"2.16.840.1.101.3.4.2.1": "sha256", "2.16.840.1.101.3.4.2.3": "sha512"}


@dataclass(frozen=True)
class Stamped:
    """What a time stamp says.

    Args:
        at: when the content existed. by: the authority, by its certificate's subject; empty where the stamp carries no
            certificate. checked: whether its signature was, against certificates that the reader trusts.
    """

    at: datetime
    by: str
    checked: bool

    def __str__(self) -> str:
        words = (
            ""
            if self.checked
            else "; its signature was not checked, which takes the authority's root certificate"
        )
        return f"{self.at:%Y-%m-%d %H:%M:%S} UTC, says {shown(self.by, 120) or 'an authority'}{words}"


def stamped_by(authority: str) -> Callable[[bytes], bytes]:
    """What asks an authority's address for a stamp of some content.

    Raises:
        OwnmarkError: no such extra; the address is none, gives no answer, or no stamp of this content.
    """
    library = _library()
    if not authority.startswith(("http://", "https://")):
        raise OwnmarkError(
            f"{redacted(authority)} is no address of a time stamping authority; it starts with https://"
        )

    def ask(content: bytes) -> bytes:
        request = library.TimestampRequestBuilder().data(content).build()
        answer = _posted(authority, request.as_bytes())
        try:
            found = library.decode_timestamp_response(answer)
            if found.status != 0:
                raise OwnmarkError(
                    f"{redacted(authority)} refused: {'; '.join(found.status_string) or found.status}"
                )
            _require_about(found, content)
            nonce = found.tst_info.nonce
        except ValueError as error:
            raise OwnmarkError(
                f"{redacted(authority)}: what came back is no stamp of this ({error})"
            ) from error
        if nonce != request.nonce:
            raise OwnmarkError(f"{redacted(authority)}: answered another request")
        return answer

    return ask


def read_stamp(path: Path, content: bytes, roots: Sequence[Path] = ()) -> Stamped:
    """What the stamp in a file says of a content.

    Args:
        roots: PEM files of certificates that the reader trusts; without any, no signature is checked.

    Raises:
        UntrustedFile: it is no stamp, one of other content, or not signed under one of the roots.
        OwnmarkError: no such extra, or a root that is none.
    """
    library, held = _library(), path.read_bytes()
    try:
        found = library.decode_timestamp_response(held)
        _require_about(found, content)
        info, by = found.tst_info, _authority(found)
    except Exception as error:  # damaged stamps make the library raise KeyError, InvalidVersion and more
        raise UntrustedFile(f"{path}: is no time stamp of this commitment ({shown(error, 200)})") from error
    if roots:
        builder = library.VerifierBuilder()
        for root in _certificates(roots):
            builder = builder.add_root_certificate(root)
        try:
            builder.build().verify_message(found, content)
        except (library.VerificationError, ValueError) as error:
            raise UntrustedFile(
                f"{path}: is not signed under a trusted root ({shown(error, 200)})"
            ) from error
    return Stamped(info.gen_time, by, bool(roots))


def _library() -> Any:
    try:
        import rfc3161_client
    except ImportError as error:
        raise OwnmarkError("time stamps need `pip install ownmark[stamps]`") from error
    return rfc3161_client


def _posted(url: str, body: bytes) -> bytes:
    request = urllib.request.Request(url, body, {"Content-Type": "application/timestamp-query"})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:
            answer: bytes = response.read(MOST + 1)
    except (OSError, ValueError) as error:
        raise OwnmarkError(f"{redacted(url)}: no time stamp ({shown(error, 200)})") from error
    if len(answer) > MOST:
        raise OwnmarkError(f"{redacted(url)}: what came back is too long for a time stamp")
    return answer


def _require_about(found: Any, content: bytes) -> None:
    """Refuse a stamp of other content.

    Raises:
        ValueError: it is one, or of a hash that is not known here.
    """
    imprint = found.tst_info.message_imprint
    name = _HASHES.get(imprint.hash_algorithm.dotted_string)
    if name is None:
        raise ValueError(f"an unknown hash, {imprint.hash_algorithm.dotted_string}")
    if imprint.message != hashlib.new(name, content).digest():
        raise ValueError("it is about something else")


def _authority(found: Any) -> str:
    """Whose certificate the stamp names; nothing if it carries none."""
    from cryptography.x509 import load_der_x509_certificate

    (signer,) = found.signed_data.signer_infos
    for held in found.signed_data.certificates:
        certificate = load_der_x509_certificate(held)
        if (certificate.issuer, certificate.serial_number) == (signer.issuer, signer.serial_number):
            return certificate.subject.rfc4514_string()
    return ""


def _certificates(paths: Sequence[Path]) -> list[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    found: list[Certificate] = []
    for path in paths:
        try:
            found += load_pem_x509_certificates(path.read_bytes())
        except (OSError, ValueError) as error:
            raise OwnmarkError(f"{path}: no certificate in PEM form ({shown(error, 200)})") from error
    return list(dict.fromkeys(found))
