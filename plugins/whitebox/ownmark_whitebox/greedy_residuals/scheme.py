"""Liu, Weng, Zhu, "Watermarking Deep Neural Networks with Greedy Residuals", ICML 2021.

Idea: pool the weights of one layer into a row for each bit, keep the larger half of each row, and let the sign of
what is left be the bit. The bits are the hash of the owner's signature, so nobody else can claim to have chosen them.
Threat model: the verifier holds the suspect's weights; everything but the signing key may be public.
Equations: Avg_pool_1D is `residuals.rows_of`, Greedy and Avg are `residuals.residuals`, the loss is
`residuals.hinge`; signature and hash are in `identity`.
Symbols: T bits, C columns, n weights; rows [T, C], r [T], b [T].
Deviations: see the declaration in `__init__` and the method card.
Reported: 55.05 % on Caltech-256 with ResNet-18, all bits right (Table II of the invariance paper).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ownmark.contracts import Batch, Fit, HostView, Key, Marked, Recipe, Scheme, Task, Term
from ownmark.errors import NotApplicable
from ownmark_whitebox.greedy_residuals.config import GreedyResidualsConfig
from ownmark_whitebox.greedy_residuals.identity import bits_from, pem_texts, private_key, sign
from ownmark_whitebox.greedy_residuals.residuals import hinge, needed_strength, residuals, rows_of
from ownmark_whitebox.layers import layers_of, named_layer, starting_point

LEAST = 6
"""Fewest weights a bit; the paper's layer has 6.75, and 4.5 left 27 % of the bits wrong (digits, 64 bits)."""


def signature_of(key: Key) -> bytes:
    """The bytes behind the message."""
    return bytes(key["signature"].cpu().tolist())


def message_of(key: Key) -> Tensor:
    """The bits to find, uint8 [T]: always recomputed from the signature."""
    return bits_from(signature_of(key), key.values["bits"])


def completed(key: Key, network: nn.Module) -> Key:
    """The key with layer, shape and number of columns settled; a complete key stays what it is.

    Raises:
        NotApplicable: no such layer, or too few weights in it.
    """
    if "shape" in key.values:
        return key
    bits = key.values["bits"]
    name = key.values["layer"] or _first_large(network, LEAST * bits)
    weight = named_layer(network, name).weight
    count = weight.numel()
    columns = key.values["columns"] or count // bits
    if count < LEAST * bits or count < columns:
        raise NotApplicable(
            f"layer {name!r} has {count} weights; {bits} bits need {max(LEAST * bits, columns)}; lower `bits`"
        )
    return key.add(layer=name, columns=columns, shape=list(weight.shape))


def _first_large(network: nn.Module, least: int) -> str:
    layers = {n: m.weight.numel() for n, m in layers_of(network).items() if isinstance(m, nn.Conv2d)}
    large = [name for name, count in layers.items() if count >= least]
    if not large:
        counts = ", ".join(f"{name}: {count}" for name, count in layers.items()) or "none"
        raise NotApplicable(f"no convolution has {least} weights ({counts}); lower `bits` or name a layer")
    return large[0]


def read(weight: Tensor, key: Key) -> Tensor:
    """Residuals of the layer's weight: [out, ...] -> [T], positive for a 1."""
    rows = rows_of(weight, key.values["bits"], key.values["columns"])
    return residuals(rows, key.values["eta"])


def residual_term(key: Key, strength: float, threshold: float) -> Term:
    """lambda * hinge on the residuals of the weight being trained."""
    bits, layer = message_of(key), key.values["layer"]

    def term(network: nn.Module, batch: Batch, step: int) -> Tensor:
        weight: Tensor = network.get_submodule(layer).weight  # type: ignore[assignment]
        with torch.autocast(weight.device.type, enabled=False):
            return strength * hinge(read(weight, key), bits, threshold)

    return term


class GreedyResiduals(Scheme):
    """The hash of a signature in the greedy residuals of one layer."""

    config: GreedyResidualsConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """The layer must exist and have `LEAST` weights a bit and a whole row of columns."""
        completed(self.make_key(task, torch.Generator().manual_seed(0)), network)

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Key tensors: `signature` uint8 [bytes]. Key values: the key pair as PEM texts, the assertion."""
        config = self.config

        def draw(count: int) -> bytes:
            return bytes(torch.randint(256, (count,), generator=rng, device=rng.device).tolist())

        private = private_key(config.signature, config.key_size, draw)
        signature = torch.tensor(list(sign(private, config.message)), dtype=torch.uint8)
        secret, public = pem_texts(private)
        values = {
            "private_key": secret, "public_key": public, "assertion": config.message, "bits": config.bits,
            "layer": config.layer, "columns": config.columns, "eta": config.eta,
        }  # fmt: skip
        return Key("greedy_residuals", {"signature": signature.to(task.owner.device)}, values)

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train with the hinge added to the host's own loss."""
        network, recipe = starting_point(host, self.config, fit)
        key = completed(key, network)
        strength = self._strength(key, recipe, len(task.owner))
        term = residual_term(key, strength, self.config.threshold)
        fit(network, task.owner, recipe, terms=(*host.terms, term), transforms=host.transforms)
        return Marked(network, key, {"strength": strength})

    def _strength(self, key: Key, recipe: Recipe, samples: int) -> float:
        if not self.config.scale or self.config.strength == 0:
            return self.config.strength
        steps = recipe.epochs * math.ceil(samples / recipe.batch_size)
        weights = math.prod(key.values["shape"]) / key.values["bits"]
        needed = needed_strength(recipe, steps, weights, self.config.threshold / self.config.eta)
        return max(self.config.strength, needed)
