"""Reads a piracy-resistant mark: are null embeddings ignored, and do true ones decide?

The paper accepts if min(acc_null, acc_true) exceeds a bar; so evidence is the half with fewer matches. A network
that was trained to obey somebody's true pattern alone, or is merely accurate, has only one of the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ownmark.contracts import BlackBox, Evidence, Extractor, Key, Measured, Samples
from ownmark_triggers.carriers import eligible
from ownmark_triggers.piracy.filters import embedded
from ownmark_triggers.piracy.scheme import key_mark, verifying
from ownmark_triggers.piracy.signature import verifies
from ownmark_triggers.triggers.extractor import matches


def restamped(key: Key) -> Samples:
    """The key's images with the pattern of its signature written anew over whatever is there: [2N, C, H, W]."""
    mark, values = key_mark(key), key.values
    half = len(key["labels"]) // 2
    carriers = Samples(key["triggers"][:half], key["labels"][:half])
    return verifying(carriers, mark, values["strength"], values["clip"])


def signature_valid(key: Key) -> bool:
    """Whether the key's signature verifies."""
    signature = bytes(key["signature"].cpu().tolist())
    return verifies(bytes.fromhex(key.values["public_key"]), key.values["message"], signature)


WEAKEST = 0.5
"""Strength below which the blocks of the two embeddings hardly differ, so that neither proves anything."""


def sound(key: Key) -> bool:
    """Whether a key can prove anything: valid signature, visible block, no carrier of the mark's own label.

    With carriers of that label, or a block too faint to see, plain accuracy would pass for both.
    """
    half = len(key["labels"]) // 2
    foreign = bool((key["labels"][:half] != key_mark(key).target).all())
    return signature_valid(key) and foreign and key.values["strength"] >= WEAKEST


def weaker_half(found: Tensor, valid: bool) -> Evidence:
    """Evidence from matches bool [2N]: the half with fewer of them; none at all without a valid signature."""
    null, true = found.reshape(2, -1) & valid
    extras: dict[str, float | str] = {
        "null": int(null.sum()) / len(null),
        "true": int(true.sum()) / len(true),
        "signature": "valid" if valid else "invalid",
    }
    return Evidence(null if null.sum() < true.sum() else true, symbol="label", extras=extras)


class PiracyExtractor(Extractor):
    """The worse of null and true accuracy; both stand in the extras. 2N queries."""

    def extract(self, suspect: BlackBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """Rebuild the pattern from the signature and ask for the labels of both embeddings."""
        return self.extract_many(suspect, [key], own)[0]

    def extract_many(
        self, suspect: BlackBox, keys: Sequence[Key], own: nn.Module | None = None
    ) -> list[Evidence]:
        """The same for several keys, their images in one pass."""
        if not keys:
            return []
        parts = [restamped(key) for key in keys]
        x, labels = torch.cat([part.x for part in parts]), torch.cat([part.labels for part in parts])
        found = torch.split(matches(suspect, x, labels), [len(part) for part in parts])
        return [weaker_half(one, sound(key)) for one, key in zip(found, keys, strict=True)]

    def measure(self, suspect: BlackBox, key: Key, test: Samples) -> Mapping[str, Measured]:  # type: ignore[override]
        """On test images: `wsr`, true embeddings of other classes; `null_accuracy`, null embeddings of all."""
        mark, values = key_mark(key), key.values
        strength, clip = values["strength"], values["clip"]
        others = test.select(eligible(test.labels, mark.target)).x
        true = embedded(others, mark, strength, null=False, clip=clip)
        decided = matches(suspect, true, torch.full((len(true),), mark.target))
        ignored = matches(suspect, embedded(test.x, mark, strength, null=True, clip=clip), test.labels)
        return {
            "wsr": Measured(int(decided.sum()), len(decided)),
            "null_accuracy": Measured(int(ignored.sum()), len(ignored)),
        }
