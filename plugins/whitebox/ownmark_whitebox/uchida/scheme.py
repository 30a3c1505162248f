"""Uchida et al., "Embedding Watermarks into Deep Neural Networks", ICMR 2017.

Idea: average the filters of one convolution, project the average with a secret matrix, read the signs as bits.
A regulariser pulls the signs to the message while the network is trained for its task.
Threat model: the verifier holds the suspect's weights; layer, projection and message are secret.
Equations: extraction is `extractor.read`, the regulariser is `message.message_loss`.
Symbols: T bits, M values of the mean filter; X [T, M] is `projection`, b [T] is `bits`, w [M] is `message.mean_filter`.
Deviations: see the declaration in `__init__` and the method card.
Reported: 91.55 % on CIFAR-10 with a wide ResNet, all bits right (Table II of the invariance paper).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ownmark.contracts import Batch, Fit, HostView, Key, Marked, Scheme, Task, Term, capturable
from ownmark.errors import NotApplicable
from ownmark_whitebox.layers import draw_seed, named_layer, starting_point, why_this_layer, widest_layer
from ownmark_whitebox.message import draw_message
from ownmark_whitebox.uchida.config import UchidaConfig
from ownmark_whitebox.uchida.message import capacity, draw_projection, message_loss


def completed(key: Key, network: nn.Module) -> Key:
    """The key with its layer named and X drawn for it; a complete key stays what it is.

    A key is drawn before the network is known, so it first holds only the seed of X.

    Raises:
        NotApplicable: the network has no such layer, or it cannot hold the message.
    """
    if "projection" in key.tensors:
        return key
    layer = key.values["layer"] or widest_layer(network, key.values["shape"])
    bits, room = len(key["bits"]), capacity(named_layer(network, layer), key.values["average"])
    if bits > room:
        raise NotApplicable(f"{bits} bits do not fit into layer {layer!r}, which holds at most {room}")
    projection = draw_projection(bits, room, key.values["seed"]).to(key["bits"].device)
    return key.add({"projection": projection}, layer=layer)


def message_term(key: Key, strength: float) -> Term:
    """lambda * message loss of the weight being trained."""

    @capturable
    def term(network: nn.Module, batch: Batch, step: int) -> Tensor:
        weight: Tensor = network.get_submodule(key.values["layer"]).weight  # type: ignore[assignment]
        return strength * message_loss(weight, key["projection"], key["bits"], key.values["average"])

    return term


class Uchida(Scheme):
    """A message in the mean filter of one layer."""

    config: UchidaConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """The layer must exist, and its mean filter be at least as long as the message."""
        completed(self.make_key(task, torch.Generator().manual_seed(0)), network)

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Key tensors: `bits` uint8 [T]. The projection joins them when the network is known."""
        seed = draw_seed(rng)
        bits, text = draw_message(self.config, rng)
        values = {
            "layer": self.config.layer, "shape": list(task.shape), "seed": seed, "text": text,
            "average": self.config.average,
        }  # fmt: skip
        return Key("uchida", {"bits": bits.to(task.owner.device)}, values)

    def key_bits(self, task: Task) -> float:
        """Of the projection: its seed."""
        return 53.0

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train with the message's loss added to the host's own."""
        network, recipe = starting_point(host, self.config, fit)
        key = completed(key, network)
        fit(
            network,
            task.owner,
            recipe,
            terms=(*host.terms, message_term(key, self.config.strength)),
            transforms=host.transforms,
        )
        why = why_this_layer(network, key.values["layer"], task.shape)
        return Marked(network, key, {"layer": why})
