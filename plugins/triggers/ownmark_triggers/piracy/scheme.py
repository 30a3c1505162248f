"""Li et al., "Piracy Resistant Watermarks for Deep Neural Networks", 2019.

Idea: the owner's signature becomes a block of extreme pixels. Written on an image it must change nothing (null
embedding), its negative must decide the label (true embedding); a second owner cannot add both to a trained network
without ruining it.
Threat model: black box; signature and public key may be known, only the signing key is secret.
Equations: D and L (signature -> block, place, label) are `signature.mark_of`; x (+) [b, lambda] is `filters.embedded`;
the sum of the three losses is ordinary training on the batches of `filters.dual_embedding`.
Symbols: n x n block; `triggers` [2N, C, H, W], the N null embeddings first, `labels` int64 [2N]; `signature` uint8
[64].
Deviations: see the declaration in `__init__` and the method card.
Reported: accuracy 99.22 % (MNIST), 93.31 % (CIFAR-10), all keys (MIRA, Table B.1).
"""

from __future__ import annotations

import torch
from torch import nn

from ownmark.contracts import Fit, HostView, Key, Marked, Samples, Scheme, Task
from ownmark.errors import NotApplicable
from ownmark_triggers.carriers import check_target, draw_carriers, eligible, key_count
from ownmark_triggers.learning import shown, until_known
from ownmark_triggers.piracy.config import PiracyConfig
from ownmark_triggers.piracy.filters import dual_embedding, embedded
from ownmark_triggers.piracy.signature import Mark, mark_of, signed

LARGEST = 16
"""Side whose square is the length of SHA-256."""


def block_side(side: int | None, height: int, width: int) -> int:
    """Side of the bit block.

    Raises:
        NotApplicable: it has no room in the image, or more bits than the hash.
    """
    shorter = min(height, width)
    chosen = min(6, max(1, shorter // 3)) if side is None else side
    if chosen >= shorter or chosen > LARGEST:
        least = min(shorter - 1, LARGEST)
        raise NotApplicable(
            f"a block of side {chosen} does not fit {height} x {width} pixels; at most {least}"
        )
    return chosen


def key_mark(key: Key) -> Mark:
    """The mark, always recomputed from the signature; only a target set by hand stays what it is."""
    values = key.values
    height, width = key["triggers"].shape[2:]
    signature = bytes(key["signature"].cpu().tolist())
    mark = mark_of(signature, values["side"], height, width, values["classes"])
    return mark if values["target"] is None else Mark(mark.bits, mark.top, mark.left, values["target"])


def verifying(x: Samples, mark: Mark, strength: float, clip: bool) -> Samples:
    """Null embeddings of N images with their labels, then their true embeddings with the mark's: 2N samples."""
    null = embedded(x.x, mark, strength, null=True, clip=clip)
    true = embedded(x.x, mark, strength, null=False, clip=clip)
    return Samples(torch.cat([null, true]), torch.cat([x.labels, torch.full_like(x.labels, mark.target)]))


class Piracy(Scheme):
    """A signed block of extreme pixels, and its negative."""

    config: PiracyConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """The block must fit and the target must be a class."""
        block_side(self.config.side, *task.shape[1:])
        if self.config.target is not None:
            check_target(task.classes, self.config.target)

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Draws the signing key, then verification images of other classes than the mark's.

        Tensors: see the module. Values: `private_key`, `public_key` (hex), `message`, `side`, `classes`, `target`
        (None: from the signature), `strength`, `clip`.
        """
        config, owner = self.config, task.owner
        seed = bytes(torch.randint(256, (32,), generator=rng, device=rng.device).tolist())
        signature, public = signed(seed, config.message)
        side = block_side(config.side, *task.shape[1:])
        values = {
            "private_key": seed.hex(), "public_key": public.hex(), "message": config.message, "side": side,
            "classes": task.classes, "target": config.target, "strength": config.strength, "clip": config.clip,
        }  # fmt: skip
        tensors = {"signature": torch.tensor(list(signature), dtype=torch.uint8, device=owner.device)}
        mark = key_mark(Key("piracy", {**tensors, "triggers": owner.first(0).x}, values))
        count = key_count(config.keys, 0.01, len(owner))
        carriers = owner.select(draw_carriers(owner, eligible(owner.labels, mark.target), count, rng))
        both = verifying(carriers, mark, config.strength, config.clip)
        return Key("piracy", {**tensors, "triggers": both.x, "labels": both.labels}, values)

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train from scratch with both embeddings in every batch, the paper allows no other start; then until the
        key's own images are known."""
        config, network = self.config, host.blank(fit.rng)
        dual = dual_embedding(key_mark(key), config.strength, config.share, config.clip)
        marking = (*host.transforms, dual) if config.share else host.transforms
        fit(network, task.owner, host.recipe, terms=host.terms, transforms=marking)
        if config.share:
            own = shown(Samples(key["triggers"], key["labels"]), 2 * config.share)
            until_known(
                network, key, task.owner, host.recipe, fit,
                epochs=config.extra_epochs, host=host, transforms=(dual, own),
            )  # fmt: skip
        pictures = key["triggers"].reshape(2, -1, *task.shape)[:, :4].flatten(0, 1)
        return Marked(network, key, {"triggers": pictures.clamp(0, 1)})
