"""Rouhani, Chen, Koushanfar, "DeepSigns", ASPLOS 2019: its white-box watermark.

Idea: the activations of a class in one layer are pulled to a centre, and the centre to where secret projections of it
have the signs of the message. The mean activation of the class then reads as the message.
Threat model: the verifier holds the suspect's weights; layer, projection, message, class and key images are secret.
Equations: with h(x) an activation, mu a centre, A the projection, b the message, the loss adds
scale (mean_x |h(x) - mu|^2 / 2 + | 1 - |mu|^2 |) + gamma sum_j BCE(sigmoid(A mu)_j, b_j): `pull`, `length`, `message`.
|.|^2 is a sum over channels and a mean over positions.
Symbols: K classes, T bits, M values; A [T, M], centres [K, M], b [T], images [N, C, H, W].
Deviations: see the declaration in `__init__` and the method card.
Reported: 89.94 % on CIFAR-10 with a wide ResNet, all bits right (Table II of the invariance paper).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import Batch, Fit, HostView, Key, Marked, Samples, Scheme, Task, Term
from ownmark.errors import NotApplicable
from ownmark_whitebox.deepsigns.activations import (
    choose_layer,
    fan_in,
    flatten,
    mean_activation,
    positions,
    recording,
    widths,
)
from ownmark_whitebox.deepsigns.config import DeepSignsConfig
from ownmark_whitebox.layers import draw_seed, starting_point
from ownmark_whitebox.message import draw_message

MOST = 10
"""Target classes, unless they are named."""


def pull(h: Tensor, y: Tensor, centres: Tensor, classes: Sequence[int], places: int) -> Tensor:
    """Half the squared distance of activations to the centre of their class, a mean over its images and over positions.

    Args:
        h: [B, M]. y: labels [B]. centres: [K, M] of `classes`; without images in the batch one adds nothing.
        places: positions, M / channels.
    """
    near = [h[y == label] - centre for label, centre in zip(classes, centres, strict=True)]
    parts = [0.5 * gap.square().sum(1).mean() / places for gap in near if len(gap)]
    return torch.stack([h.new_zeros(()), *parts]).sum()


def length(centres: Tensor, places: int) -> Tensor:
    """sum_k | 1 - |mu_k|^2 |, the square a mean over positions: [K, M] -> scalar."""
    return (1 - centres.square().sum(1) / places).abs().sum()


def project(centres: Tensor, projection: Tensor) -> Tensor:
    """A mu, each class with rows of its own: [K, M], [T, M] -> [T], positive for a 1."""
    rows = projection.to(centres).view(len(centres), -1, projection.shape[1])
    return torch.einsum("ktm,km->kt", rows, centres).flatten()


def message(centres: Tensor, projection: Tensor, bits: Tensor) -> Tensor:
    """Cross entropy of the bits at the centres, summed over bits: [K, M], [T, M], [T] -> scalar."""
    found = project(centres, projection)
    return F.binary_cross_entropy_with_logits(found, bits.to(found), reduction="sum")


def completed(key: Key, network: nn.Module) -> Key:
    """The key with its layer named and A drawn for it; a complete key stays what it is.

    Raises:
        NotApplicable: no such layer, or too narrow a one.
    """
    if "projection" in key.tensors:
        return key
    values, bits = key.values, len(key["bits"])
    found = widths(network, values["shape"], values["activation"], values["pooled"])
    each = bits // len(values["classes"])
    layer = choose_layer(found, fan_in(network), values["layer"], values["activation"], each)
    rng = torch.Generator().manual_seed(values["seed"])
    projection = torch.randn(bits, found[layer], generator=rng).to(key["bits"].device)
    return key.add({"projection": projection}, layer=layer)


def class_means(network: nn.Module, key: Key) -> Tensor:
    """Mean activation of each target class's key images: [K, M]."""
    layer, pooled, count = key.values["layer"], key.values["pooled"], len(key.values["classes"])
    parts = [key["images"][key["owners"] == k] for k in range(count)]
    return torch.stack([mean_activation(network, layer, part, pooled) for part in parts])


def target_classes(wanted: Sequence[int] | None, bits: int, known: int) -> Sequence[int]:
    """The wanted classes, or the first ones: as many as divide the message, `MOST` at most.

    Raises:
        NotApplicable: the task lacks one of them, or they do not divide the message.
    """
    if wanted is None:
        return range(max(count for count in range(1, min(MOST, known) + 1) if bits % count == 0))
    if max(wanted) >= known:
        raise NotApplicable(f"target class {max(wanted)}, but the task has {known} classes")
    if bits % len(wanted):
        raise NotApplicable(f"{bits} bits cannot be divided evenly among {len(wanted)} classes")
    return wanted


def draw_images(
    owner: Samples, classes: Sequence[int], count: int, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Up to `count` images of each class: x [N, C, H, W], and of which class of the list each is, int64 [N].

    Raises:
        NotApplicable: there are images, but none of a class.
    """
    chosen, owners = [], []
    for k, label in enumerate(classes):
        places = (owner.labels == label).nonzero().flatten().cpu()
        if len(owner) and not len(places):
            raise NotApplicable(f"the owner has no image of target class {label}")
        order = torch.randperm(len(places), generator=rng, device=rng.device).cpu()[:count]
        chosen.append(places[order])
        owners += [k] * len(order)
    x = owner.select(torch.cat(chosen).to(owner.device)).x
    return x, torch.tensor(owners, dtype=torch.int64, device=x.device)


class DeepSigns(Scheme):
    """A message in the mean activations of target classes."""

    config: DeepSignsConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """A layer must be wide enough, the classes exist, and divide the message."""
        completed(self.make_key(task, torch.Generator().manual_seed(0)), network)

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Key tensors: `bits` uint8 [T], `images`, `owners`. The projection joins them when the network is known."""
        config = self.config
        seed = draw_seed(rng)
        bits, text = draw_message(config, rng)
        classes = target_classes(config.classes, len(bits), task.classes)
        x, owners = draw_images(task.owner, classes, config.images, rng)
        values = {
            "layer": config.layer, "activation": config.activation, "pooled": config.pooled, "seed": seed,
            "text": text, "classes": list(classes), "shape": list(task.shape),
        }  # fmt: skip
        return Key("deepsigns", {"bits": bits.to(x.device), "images": x, "owners": owners}, values)

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train network and centres together."""
        from ownmark_whitebox.callbacks import SideOptimizer

        network, recipe = starting_point(host, self.config, fit)
        key = completed(key, network)
        centres = class_means(network, key).requires_grad_()
        side = SideOptimizer(
            torch.optim.Adam([centres], self.config.centre_lr),
            after=partial(centres.data.clamp_, min=0) if self.config.activation == "post" else None,
        )
        with recording(network.get_submodule(key.values["layer"])) as records:
            terms = (self._term(key, centres, records), *host.terms)
            fit(network, task.owner, recipe, terms=terms, transforms=host.transforms, callbacks=(side,))
        found = project(centres.detach(), key["projection"]) > 0
        right = float((found == key["bits"].bool().to(found.device)).float().mean())
        return Marked(network, key, {"bits right at the centre": right})

    def _term(self, key: Key, centres: Tensor, records: list[Tensor]) -> Term:
        """The added loss; stands before the host's terms, so that the batch's one forward pass is recorded."""
        scale, gamma, classes, pooled = (
            self.config.scale,
            self.config.gamma,
            key.values["classes"],
            key.values["pooled"],
        )

        def term(network: nn.Module, batch: Batch, step: int) -> Tensor:
            records.clear()
            batch.output(network)
            with torch.autocast(centres.device.type, enabled=False):
                h, places = flatten(records[-1], pooled), positions(records[-1], pooled)
                near = pull(h, batch.labels, centres, classes, places) + length(centres, places)
                return scale * near + gamma * message(centres, key["projection"], key["bits"])

        return term
