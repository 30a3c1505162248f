"""A time stamping authority of one's own: RFC 3161 answers, written from the standard, behind a socket."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def tlv(tag: int, *parts: bytes) -> bytes:
    """One DER value."""
    body = b"".join(parts)
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (size if len(body) < 128 else bytes([128 | len(size)]) + size) + body


def opened(data: bytes) -> list[tuple[int, bytes]]:
    """(tag, body) of the values that lie one behind the other."""
    found = []
    while data:
        size, at = data[1], 2
        if size & 128:
            at += size & 127
            size = int.from_bytes(data[2:at], "big")
        found.append((data[0], data[at : at + size]))
        data = data[at + size :]
    return found


def number(value: int) -> bytes:
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    body = bytes([40 * first + second])
    for part in rest:
        groups = [part & 127]
        while part := part >> 7:
            groups.insert(0, 128 | part & 127)
        body += bytes(groups)
    return tlv(6, body)


def seq(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


SHA256, RSA = seq(oid("2.16.840.1.101.3.4.2.1")), seq(oid("1.2.840.113549.1.1.1"), b"\x05\x00")
INFO, DATA = "1.2.840.113549.1.9.16.1.4", "1.2.840.113549.1.7.2"


class Authority:
    """Stamps whatever it is sent. `root` is the certificate to trust, in PEM form."""

    def __init__(self, name: str = "Test Time Authority", at: datetime = NOW) -> None:
        self._at = at
        issuer = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._root = self._issued(f"{name}'s root", issuer, f"{name}'s root", issuer, True)
        self._own = self._issued(name, self._key, f"{name}'s root", issuer, False)
        self.root = self._root.public_bytes(Encoding.PEM)

    def _issued(
        self, name: str, key: rsa.RSAPrivateKey, by: str, issuer: rsa.RSAPrivateKey, ca: bool
    ) -> x509.Certificate:
        subject, parent = (
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, one)]) for one in (name, by)
        )
        builder = x509.CertificateBuilder(parent, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(self._at - timedelta(1)).not_valid_after(self._at + timedelta(1))
        builder = builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
        if not ca:
            usage = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.TIME_STAMPING])
            builder = builder.add_extension(usage, critical=True)
        return builder.sign(issuer, hashes.SHA256())

    def answer(self, request: bytes) -> bytes:
        """TimeStampReq -> TimeStampResp."""
        ((_, body),) = opened(request)
        _, (_, imprint), *rest = opened(body)
        nonces = [tlv(2, value) for tag, value in rest if tag == 2]
        info = seq(
            number(1), oid("1.3.6.1.4.1.99999.1"), seq(imprint), number(4711),
            tlv(0x18, f"{self._at:%Y%m%d%H%M%SZ}".encode()), *nonces,
        )  # fmt: skip
        return seq(seq(number(0)), seq(oid(DATA), tlv(0xA0, self._signed(info))))

    def _signed(self, info: bytes) -> bytes:
        held = self._own.public_bytes(Encoding.DER)
        certified = seq(seq(seq(tlv(4, hashlib.sha256(held).digest()))))
        attributes = [
            seq(oid("1.2.840.113549.1.9.3"), tlv(0x31, oid(INFO))),
            seq(oid("1.2.840.113549.1.9.4"), tlv(0x31, tlv(4, hashlib.sha256(info).digest()))),
            seq(oid("1.2.840.113549.1.9.16.2.47"), tlv(0x31, certified)),
        ]
        attributes.sort()
        signature = self._key.sign(tlv(0x31, *attributes), padding.PKCS1v15(), hashes.SHA256())
        who = seq(self._own.issuer.public_bytes(), number(self._own.serial_number))
        signer = seq(number(1), who, SHA256, tlv(0xA0, *attributes), RSA, tlv(4, signature))
        content = seq(oid(INFO), tlv(0xA0, tlv(4, info)))
        return seq(number(3), tlv(0x31, SHA256), content, tlv(0xA0, held), tlv(0x31, signer))
