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

from ownmark.contracts import Fit, HostView, Key, Marked, Scheme, Task
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


class Lottery(Scheme):
    """A QR code in the mask of a winning ticket."""

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
        return Key(
            "lottery", {"code": code.to(task.owner.x.device)}, {"text": text, "channels": task.shape[0]}
        )

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Find a ticket, write the code into its mask, train it from the rewound weights."""
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
            self._retrain(network, rewound, masks, host, task, fit)
        alive = sum(int(mask.sum()) for mask in masks.values()) / sum(mask.numel() for mask in masks.values())
        return Marked(network, key, {"weights left": alive})

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
        self,
        network: nn.Module,
        rewound: Mapping[str, Tensor],
        masks: Masks,
        host: HostView,
        task: Task,
        fit: Fit,
    ) -> None:
        """Train the ticket from the rewound weights, its mask fixed."""
        from ownmark_whitebox.lottery.callbacks import KeepMasks, apply_masks

        network.load_state_dict(rewound)
        apply_masks(network, masks)
        keep = KeepMasks(masks)
        fit(network, task.owner, host.recipe, terms=host.terms, transforms=host.transforms, callbacks=(keep,))

    def _marked(
        self, key: Key, masks: Masks, names: list[str], weights: Mapping[str, Tensor], rng: torch.Generator
    ) -> tuple[Key, dict[str, Tensor]]:
        """The key with the code's place, and the masks with the code in them."""
        code = key["code"]
        layer, place = best_place({name: masks[name] for name in names}, code)
        written = write(masks[layer], code, place, weights[layer], rng)
        key = key.add(layer=layer, place=list(place), shape=list(written.shape))
        return key, {**masks, layer: written}
