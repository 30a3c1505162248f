"""Commitment to a trigger set: publish one hash, later open the triggers a verifier asks for, keep the others secret.

Adi et al., section 4 and appendix: the owner publishes Com(x_i; r_i) and Com(y_i; r'_i) of all keys. Here Com is
SHA-256 over nonce, kind, place and content, and a Merkle tree over the 2N commitments shrinks them to one root;
leaves and nodes are told apart as in RFC 6962, a last odd node is paired with itself, the number of keys is published.
Hiding rests on 256-bit nonces, binding on SHA-256.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ownmark.contracts import Key
from ownmark_triggers.keyed import SECRET_BYTES, secret_bytes


@dataclass(frozen=True)
class Proof:
    """One opened half of a trigger.

    Args:
        nonce: 32 bytes. path: sibling hashes from the leaf up to the root.
    """

    nonce: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True)
class Opening:
    """A revealed trigger: its place in the key, pixels [C, H, W], label, and the proofs of both."""

    place: int
    x: Tensor
    label: int
    x_proof: Proof
    label_proof: Proof


def draw_nonces(count: int, rng: torch.Generator) -> Tensor:
    """Nonces of pixels and labels: uint8 [count, 2, 32]."""
    drawn = torch.randint(256, (count, 2, SECRET_BYTES), generator=rng, device=rng.device)
    return drawn.to(torch.uint8)


def _pixels(x: Tensor) -> bytes:
    """Shape and little-endian float32 pixels."""
    shape = b"".join(size.to_bytes(4, "big") for size in x.shape)
    return shape + x.detach().cpu().contiguous().numpy().astype("<f4").tobytes()


def _label(label: int) -> bytes:
    return label.to_bytes(8, "big", signed=True)


def commitment(nonce: bytes, kind: bytes, place: int, content: bytes) -> bytes:
    """Com(content; nonce), a leaf of the tree: 32 bytes. `kind` is `x` or `y`; all fields have fixed lengths but
    the last."""
    return hashlib.sha256(b"\x00" + nonce + kind + place.to_bytes(8, "big") + content).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """The tree from the leaves up to the root; a last odd node is paired with itself."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        level = levels[-1] + levels[-1][-1:] * (len(levels[-1]) % 2)
        levels.append([_node(level[i], level[i + 1]) for i in range(0, len(level), 2)])
    return levels


def _path(levels: list[list[bytes]], index: int) -> tuple[bytes, ...]:
    path = []
    for level in levels[:-1]:
        path.append(level[min(index ^ 1, len(level) - 1)])
        index //= 2
    return tuple(path)


def _leaves(key: Key) -> list[bytes]:
    """Commitments to x_0, y_0, x_1, y_1, ... of a key with `triggers`, `labels` and `nonces`."""
    leaves = []
    for place, (x, label, nonces) in enumerate(
        zip(key["triggers"], key["labels"], key["nonces"], strict=True)
    ):
        leaves.append(commitment(secret_bytes(nonces[0]), b"x", place, _pixels(x)))
        leaves.append(commitment(secret_bytes(nonces[1]), b"y", place, _label(int(label))))
    return leaves


def commit(key: Key) -> str:
    """The public commitment to a key: the Merkle root and the number of triggers, `"N:hex"`."""
    return f"{len(key['labels'])}:{_levels(_leaves(key))[-1][0].hex()}"


def open_triggers(key: Key, places: Sequence[int]) -> list[Opening]:
    """Reveal the triggers at `places`; of the others it says nothing.

    Raises:
        IndexError: no such place.
    """
    levels = _levels(_leaves(key))
    count = len(key["labels"])
    if any(not 0 <= place < count for place in places):
        raise IndexError(f"places lie between 0 and {count - 1}, got {list(places)}")
    return [
        Opening(
            place,
            key["triggers"][place].clone(),
            int(key["labels"][place]),
            Proof(secret_bytes(key["nonces"][place, 0]), _path(levels, 2 * place)),
            Proof(secret_bytes(key["nonces"][place, 1]), _path(levels, 2 * place + 1)),
        )
        for place in places
    ]


def _depth(leaves: int) -> int:
    return (leaves - 1).bit_length()


def _leads_to(root: bytes, count: int, leaf: bytes, index: int, path: Sequence[bytes]) -> bool:
    if len(path) != _depth(count):
        return False
    for sibling in path:
        leaf = _node(sibling, leaf) if index % 2 else _node(leaf, sibling)
        index //= 2
    return hmac.compare_digest(leaf, root)


def is_opening(published: str, opening: Opening) -> bool:
    """Whether a revealed trigger is the one that was committed to at its place.

    Args:
        published: what `commit` gave.
    """
    count, _, root = published.partition(":")
    if not 0 <= opening.place < int(count):
        return False
    halves = (
        (b"x", _pixels(opening.x), opening.x_proof, 2 * opening.place),
        (b"y", _label(opening.label), opening.label_proof, 2 * opening.place + 1),
    )
    return all(
        len(proof.nonce) == SECRET_BYTES
        and _leads_to(
            bytes.fromhex(root),
            2 * int(count),
            commitment(proof.nonce, kind, opening.place, content),
            index,
            proof.path,
        )
        for kind, content, proof, index in halves
    )
