"""Guo and Potkonjak, "Watermarking Deep Neural Networks for Embedded Systems", ICCAD 2018 (Mark in the MIRA paper).

Idea: write a message into secret pixels of images; the network must answer a marked image of class y with pi(y), pi
a secret permutation that moves every class, and a clean one with y.
Threat model: black box; the verifier sends marked images and reads labels; everything follows from a signature.
Equations: places and bits are `message`, pi is `keyed.derangement`, the marked image is `stamps.stamp`.
Symbols: n bits at n of H x W pixels, the same in all channels: `pattern` and `mask` [C, H, W]; pi is `label_map` [C].
Deviations: see the declaration in `__init__` and the method card.
Reported: 98.57 % (MNIST), 93.97 % (CIFAR-10), all triggers known (MIRA, Table B.1).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ownmark.contracts import Batch, Fit, HostView, Key, Marked, Samples, Scheme, Task, Transform
from ownmark.errors import NotApplicable
from ownmark_triggers.carriers import check_classes
from ownmark_triggers.guo.config import GuoConfig
from ownmark_triggers.keyed import derangement, draw_secret, integers, permutation, secret_bytes
from ownmark_triggers.learning import learn
from ownmark_triggers.poison import embed_by_poisoning
from ownmark_triggers.relabel import mapped_key, movable, relabelled


def message_length(shape: tuple[int, int, int], bits: int | None) -> int:
    """`bits`, or an eighth of the pixels.

    Raises:
        NotApplicable: more bits than pixels.
    """
    pixels = shape[1] * shape[2]
    count = max(1, round(pixels / 8)) if bits is None else bits
    if count > pixels:
        raise NotApplicable(f"{count} bits do not fit into {shape[1]} x {shape[2]} pixels, one bit each")
    return count


def message(secret: bytes, shape: tuple[int, int, int], count: int) -> tuple[Tensor, Tensor]:
    """Pixels int64 [n], distinct positions in the flattened H x W; and bits int64 [n]."""
    places = permutation(secret, b"places", shape[1] * shape[2])[:count]
    return torch.tensor(places), torch.tensor(integers(secret, b"bits", 2, count))


def mark(
    places: Tensor, bits: Tensor, shape: tuple[int, int, int], strength: float | None, sd: Tensor
) -> dict[str, Tensor]:
    """What is stamped on images: `pattern` [C, H, W], and `mask` [C, H, W] where pixels are overwritten.

    Args:
        strength: in standard deviations `sd` [C] of the pixels, added for 1 and subtracted for 0; None overwrites.
    """
    size = (shape[1] * shape[2],)
    if strength is None:
        covered = torch.zeros(size).scatter(0, places, 1.0)
        ink = torch.zeros(size).scatter(0, places, bits.float())
        flats = {"pattern": ink, "mask": covered}
        return {name: flat.reshape(1, *shape[1:]).expand(shape).clone() for name, flat in flats.items()}
    signs = torch.zeros(size).scatter(0, places, 2.0 * bits - 1).reshape(1, *shape[1:])
    return {"pattern": strength * sd.cpu()[:, None, None] * signs}


def marking(key: Key, share: float) -> Transform:
    """A batch transform that marks each image with probability `share` and relabels it."""

    def apply(batch: Batch, rng: torch.Generator) -> Batch:
        drawn = torch.rand(len(batch.x), generator=rng, device=rng.device).to(batch.x.device) < share
        chosen = drawn & movable(batch.labels, key["label_map"], key.values["source_class"])
        marked = relabelled(Samples(batch.x, batch.labels), key)
        changed = batch.with_images(torch.where(chosen[:, None, None, None], marked.x, batch.x))
        changed.y = torch.where(chosen, marked.labels, batch.labels)
        return changed

    return apply


class Guo(Scheme):
    """A message in pixels that permutes the labels."""

    config: GuoConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """The message must fit, and there must be two classes to swap."""
        message_length(task.shape, self.config.bits)
        check_classes(task.classes)

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Key tensors: those of `relabel.mapped_key`, and `secret` uint8 [n]."""
        config = self.config
        text = torch.tensor(list(config.signature.encode()), dtype=torch.uint8)
        secret = text if len(text) else draw_secret(rng)
        seed = secret_bytes(secret)
        places, bits = message(seed, task.shape, message_length(task.shape, config.bits))
        stamped = mark(places, bits, task.shape, config.strength, task.owner.x.std((0, 2, 3)))
        pi = torch.tensor(derangement(seed, b"labels", task.classes))
        made = mapped_key(
            "guo", task, stamped, pi, keys=config.keys, carriers=config.keys, rng=rng, values={"source_class": None}
        )  # fmt: skip
        return made.add({"secret": secret.to(task.owner.device)})

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train with the mark on random images of every batch, or with the triggers in place of their carriers."""
        if self.config.mode == "keys":
            return embed_by_poisoning(host, key, task, fit, self.config)
        scratch = self.config.start == "scratch"
        network = learn(
            host.blank(fit.rng) if scratch else host.trained(),
            key,
            task.owner,
            host.recipe if scratch else self.config.recipe,
            fit,
            extra=self.config.extra_epochs,
            host=host,
            transforms=[marking(key, self.config.share)],
        )
        return Marked(network, key, {"triggers": key["triggers"][:8]})
