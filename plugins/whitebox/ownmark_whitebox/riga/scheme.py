"""Wang, Kerschbaum, "RIGA: Covert and Robust White-Box Watermarking of Deep Neural Networks", WWW 2021.

Idea: a network reads the message out of one layer's mean filter, and the layer is trained until it reads it rightly. A
second network tries to tell the marked weights from those of unmarked references by their distribution, and the
layer is trained to fool it.
Threat model: the verifier holds the suspect's weights; layer, message and extractor network are secret.
Equations: with w the carrier, E the extractor, D the detector on sorted weights, the loss adds
lambda 1 sum_j BCE(E(w)_j, b_j) + lambda 2 D(sort(w)): `networks.marking_loss`. E is trained with
`networks.extractor_loss`, D with `networks.detector_loss`, both before each epoch.
Symbols: M values, T bits, R references; w [M], E [M] -> [T], D [M] -> [1].
Deviations: see the declaration in `__init__` and the method card.
Reported: 95.90 % on CelebA with Inception-v3, all bits right (Table II of the invariance paper).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from ownmark.contracts import Batch, Fit, HostView, Key, Marked, Scheme, Task, Term, seeded
from ownmark.errors import NotApplicable
from ownmark_whitebox.layers import draw_seed, named_layer, starting_point, why_this_layer, widest_convolution
from ownmark_whitebox.message import draw_message
from ownmark_whitebox.riga.config import RigaConfig
from ownmark_whitebox.riga.networks import carrier, marking_loss, perceptron, spread


def layer_of(network: nn.Module, key: Key) -> str:
    """The layer that carries the mark.

    Raises:
        NotApplicable: no such layer, or one with fewer values than the message has bits.
    """
    layer = key.values["layer"] or widest_convolution(network, key.values["shape"])
    values, bits = len(carrier(named_layer(network, layer).weight)), len(key["bits"])
    if bits > values:
        raise NotApplicable(f"{bits} bits do not fit into layer {layer!r}, which carries {values} values")
    return layer


def carried(network: nn.Module, layer: str, scale: float) -> Tensor:
    """The scaled carrier of a network: [M], with its graph."""
    return scale * carrier(network.get_submodule(layer).weight)  # type: ignore[arg-type]


def reference_weights(host: HostView, layer: str, config: RigaConfig, task: Task, fit: Fit) -> Tensor:
    """Carriers of unmarked networks, each from an initialisation of its own: [R, M]."""
    epochs = config.reference_epochs
    if epochs is None:
        epochs = 1 if config.start == "scratch" else -(-host.recipe.epochs // 3)
    recipe, found = host.recipe.change(epochs=epochs), []
    for _ in range(config.references):
        network = host.blank(fit.rng)
        fit(network, task.owner, recipe, terms=host.terms, transforms=host.transforms)
        found.append(carried(network, layer, 1.0).detach())
    return torch.stack(found)


def split(references: Tensor) -> tuple[Tensor, Tensor]:
    """Three quarters to train against, the rest to try the extractor on: [R, M] -> [3R/4, M], [R/4, M]."""
    seen = len(references) - len(references) // 4
    return references[:seen], references[seen:]


class Riga(Scheme):
    """A message that a learnt network reads out of one layer."""

    config: RigaConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """The layer must exist and have as many values as the message has bits."""
        layer_of(network, self.make_key(task, torch.Generator().manual_seed(0)))

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Key tensors: `bits` uint8 [T]. What reads them is born while embedding."""
        bits, text = draw_message(self.config, rng)
        values = {"layer": self.config.layer, "shape": list(task.shape), "text": text}
        return Key("riga", {"bits": bits.to(task.owner.device)}, values)

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train network, extractor and detector against each other.

        The key gains `extractor.0.weight` [H, M] and so on, the layer with its shape, and the scale of its weights.
        """
        from ownmark_whitebox.riga.callbacks import SideNetworks

        config = self.config
        network, recipe = starting_point(host, config, fit)
        layer = layer_of(network, key)
        references, unseen = split(reference_weights(host, layer, config, task, fit))
        scale, bits = 1 / spread(references), key["bits"].to(references)
        extractor, detector = self._side_networks(references.shape[1], len(bits), fit.rng)
        extractor, detector = extractor.to(references), detector.to(references)
        carry = partial(carried, layer=layer, scale=scale)
        rng = torch.Generator().manual_seed(draw_seed(fit.rng))
        side = SideNetworks(extractor, detector, carry, scale * references, bits, config, rng)
        terms = (*host.terms, self._term(extractor, detector, carry, bits))
        fit(network, task.owner, recipe, terms=terms, transforms=host.transforms, callbacks=(side,))
        learnt = {f"extractor.{name}": tensor for name, tensor in extractor.state_dict().items()}
        key = key.add(learnt, layer=layer, shape=list(named_layer(network, layer).weight.shape), scale=scale)
        wrong = ((extractor(scale * unseen) > 0) != bits.bool()).float().mean()
        why = why_this_layer(network, layer, task.shape)
        return Marked(network, key, {"bits wrong on unseen references": float(wrong), "layer": why})

    def _side_networks(self, values: int, bits: int, rng: torch.Generator) -> tuple[nn.Module, nn.Module]:
        with seeded(rng):
            extractor = perceptron(values, self.config.hidden, bits)
            return extractor, perceptron(values, self.config.detector_hidden, 1)

    def _term(
        self, extractor: nn.Module, detector: nn.Module, carry: Callable[[nn.Module], Tensor], bits: Tensor
    ) -> Term:
        strength, hiding = self.config.strength, self.config.hiding

        def term(network: nn.Module, batch: Batch, step: int) -> Tensor:
            with torch.autocast(bits.device.type, enabled=False):
                return marking_loss(extractor, detector, carry(network), bits, strength, hiding)

        return term
