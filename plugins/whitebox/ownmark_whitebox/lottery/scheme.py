"""Chen, Chen, Zhang, Wang, "You are caught stealing my winning lottery ticket!", NeurIPS 2021.

Idea: find a winning ticket by iterative magnitude pruning, then edit the mask of one convolution so that its empty
kernels draw the black modules of a QR code, and train the ticket with that mask.
Threat model: the verifier holds the suspect's sparse weights; layer and place of the code are secret.
Equations: none; the mask's plane is `masks.plane`, the place maximises `masks.similarity`, `masks.write` edits.
Symbols: code [S, S] (1 white), mask [out, in, kh, kw], plane [out, in].
Deviations: see the declaration in `__init__` and the method card.
Reported: 66.40 % on CIFAR-100, all modules right (Table II of the invariance paper, which says ResNet-18 there and
ResNet-20 elsewhere).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ownmark.contracts import Fit, HostView, Key, Marked, Recipe, Samples, Scheme, Task
from ownmark.errors import NotApplicable
from ownmark_whitebox.layers import inner_convolutions, named_layer
from ownmark_whitebox.lottery.config import LotteryConfig
from ownmark_whitebox.lottery.masks import Masks, best_place, prune, write
from ownmark_whitebox.lottery.qr import make_code, size_of
from ownmark_whitebox.message import draw_message


def candidates(network: nn.Module, channels: int, name: str, size: int) -> list[str]:
    """Inner convolutions whose plane the code fits into; only the one called `name`, if there is a name.

    Raises:
        NotApplicable: there are none.
    """
    if name:
        named_layer(network, name)
    shapes = {n: tuple(m.weight.shape[:2]) for n, m in inner_convolutions(network, channels).items()}
    large = [n for n, shape in shapes.items() if min(shape) >= size and name in ("", n)]
    if not large:
        known = ", ".join(f"{n} ({out} x {inputs})" for n, (out, inputs) in shapes.items()) or "none"
        what = f"layer {name!r} is no such" if name else "there is no"
        raise NotApplicable(
            f"a code of {size} x {size} modules needs an inner convolution with as many outputs and inputs; {what} "
            f"convolution among: {known}. Widen the host or lower `version`"
        )
    return large


def kernels(network: nn.Module, names: Masks) -> dict[str, Tensor]:
    """Weights of convolutions by name, detached."""
    return {name: network.get_submodule(name).weight.detach() for name in names}  # type: ignore[operator]


def living(convolutions: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """Where weights are not zero, by the name of the convolution."""
    return {name: module.weight.detach() != 0 for name, module in convolutions.items()}  # type: ignore[operator]


def density(masks: Masks) -> float:
    """Share of the weights that live."""
    return sum(int(mask.sum()) for mask in masks.values()) / sum(mask.numel() for mask in masks.values())


class Lottery(Scheme):
    """A QR code in the mask of a winning ticket."""

    forgeries = ("elsewhere",)
    config: LotteryConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """The message must fit into the code, and the code into a convolution."""
        self.make_key(task, torch.Generator().manual_seed(0))
        candidates(network, task.shape[0], self.config.layer, size_of(self.config.version))

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Key tensors: `code` uint8 [S, S], 1 for white. Its place is found while embedding."""
        bits, text = draw_message(self.config, rng)
        text = text or f"{int(''.join(map(str, bits.tolist())), 2):0{-(-len(bits) // 4)}X}"
        code = make_code(text, self.config.version, self.config.error)
        return Key("lottery", {"code": code.to(task.owner.device)}, {"text": text, "channels": task.shape[0]})

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Find a ticket, write the code into its mask, train it from the rewound weights."""
        if self.config.start == "trained":
            return self._written_over(host, key, task, fit)
        network = host.blank(fit.rng)
        names = candidates(network, key.values["channels"], self.config.layer, len(key["code"]))
        masks = {
            n: torch.ones_like(m.weight, dtype=torch.bool) for n, m in self._pruned(network, key).items()
        }
        rewound = self._first(network, host, task, fit)
        for round_ in range(self.config.rounds):
            masks = prune(kernels(network, masks), masks, self.config.rate)
            if round_ == self.config.rounds - 1:
                key, masks = self._marked(key, masks, names, kernels(network, masks), fit.rng)
            network.load_state_dict(rewound)
            self._retrain(network, host.recipe, masks, host, task, fit)
        return Marked(network, key, {"weights left": density(masks)})

    def forge(
        self, way: str, network: nn.Module, key: Key, samples: Samples, fit: Fit, recipe: Recipe
    ) -> Key:
        """The key with its code where an unchanged network resembles it most."""
        names = candidates(network, key.values["channels"], self.config.layer, len(key["code"]))
        alive = living({name: network.get_submodule(name) for name in names})
        layer, place = best_place(alive, key["code"])
        return key.add(layer=layer, place=list(place), shape=list(alive[layer].shape))

    def _written_over(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Write the code into a trained network and fine-tune it."""
        network = host.trained()
        names = candidates(network, key.values["channels"], self.config.layer, len(key["code"]))
        masks = living(self._pruned(network, key))
        weights = kernels(network, masks)
        if all(bool(mask.all()) for mask in masks.values()):
            masks = prune(weights, masks, 1 - (1 - self.config.rate) ** self.config.rounds)
        key, masks = self._marked(key, masks, names, weights, fit.rng)
        self._retrain(network, self.config.recipe, masks, host, task, fit)
        return Marked(network, key, {"weights left": density(masks)})

    def _pruned(self, network: nn.Module, key: Key) -> dict[str, nn.Conv2d]:
        return inner_convolutions(network, key.values["channels"])

    def _first(self, network: nn.Module, host: HostView, task: Task, fit: Fit) -> Mapping[str, Tensor]:
        """Train the dense network, and give the state to rewind to."""
        from ownmark_whitebox.lottery.callbacks import Remember

        initial = {name: value.detach().clone() for name, value in network.state_dict().items()}
        memory = Remember(self.config.rewind)
        fit(
            network, task.owner, host.recipe, terms=host.terms, transforms=host.transforms, callbacks=(memory,)
        )  # fmt: skip
        return memory.state or initial

    def _retrain(
        self, network: nn.Module, recipe: Recipe, masks: Masks, host: HostView, task: Task, fit: Fit
    ) -> None:
        """Train with the mask fixed."""
        from ownmark_whitebox.lottery.callbacks import KeepMasks, apply_masks

        apply_masks(network, masks)
        keep = KeepMasks(masks)
        fit(network, task.owner, recipe, terms=host.terms, transforms=host.transforms, callbacks=(keep,))

    def _marked(
        self, key: Key, masks: Masks, names: list[str], weights: Mapping[str, Tensor], rng: torch.Generator
    ) -> tuple[Key, dict[str, Tensor]]:
        """The key with the code's place, and the masks with the code in them."""
        code = key["code"]
        layer, place = best_place({name: masks[name] for name in names}, code)
        written = write(masks[layer], code, place, weights[layer], rng)
        key = key.add(layer=layer, place=list(place), shape=list(written.shape))
        return key, {**masks, layer: written}
