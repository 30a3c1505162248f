"""Overwriting by dictated signs (VII-C): s_i = a_i sign(v_i), for the values v whose signs are read.

Idea: SignFlip with chosen signs instead of random ones writes any message where signs are read, and costs nothing.
Threat model: the thief holds the weights; he brings a message, and passports of his own.
Functions: `carriers` lists v by layer, `dictated` the signs to ask the engine for, `bit_errors` what came of it.
Symbols: a [n] the attacker's bits as +-1, v [n] gammas, or averages of conv(P, W) over positions, channel by channel.
Deviations: GroupNorm and LayerNorm take one sign for several neurons; the majority of their bits decides.
Reported: attacker's BER 0, the owner's that of unrelated bits, accuracy unchanged (VII-C, no table).
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

import numpy as np
import torch
from torch import Generator, Tensor, nn

from ownmark.contracts import Attack, Fit, Stolen, Suspect, evaluating
from ownmark.contracts.views import Shape
from ownmark.errors import NotApplicable
from ownmark_invariance.attacking import changed_share, refusals, study
from ownmark_invariance.grouping import Groups, apply, draw
from ownmark_invariance.grouping.book import Layer
from ownmark_invariance.grouping.symbols import FROZEN, Ints
from ownmark_invariance.invariance_overwrite.config import OverwriteConfig

PASSPORT = 8
"""Height and width of the attacker's passports: only their average over windows is ever read."""


def text_bits(text: str, count: int) -> Tensor:
    """[count] +-1, the bits of the text over and over, most significant first."""
    stream = np.unpackbits(np.frombuffer(text.encode(), dtype=np.uint8)).astype(np.int64)
    return torch.from_numpy(np.resize(stream, count) * 2 - 1)


def random_bits(count: int, rng: Generator) -> Tensor:
    """[count] +-1."""
    return torch.randint(0, 2, (count,), generator=rng) * 2 - 1


def signs_of(layer: Layer) -> Ints:
    """The sign symbols of a layer's neurons; of a norm, those of what it reads."""
    return layer.out.sign if layer.into is None else layer.into.sign


def carriers(network: nn.Module, groups: Groups, config: OverwriteConfig) -> dict[str, Layer]:
    """Layers whose signs are read and free to change, at least one of them: norms with gammas, or convolutions."""
    kinds = nn.Conv2d if config.carrier == "passport" else nn.Module
    modules, found = dict(network.named_modules()), {}
    for layer in groups.layers:
        module = modules.get(layer.name)
        named = not config.layers or any(fnmatchcase(layer.name, one) for one in config.layers)
        norm = layer.into is not None and getattr(module, "weight", None) is not None
        fits = isinstance(module, kinds) and norm == (config.carrier == "gamma")
        if named and fits and (groups.sign.of[signs_of(layer)] != FROZEN).any():
            found[layer.name] = layer
    return found


def draw_passports(network: nn.Module, layers: Mapping[str, Layer], rng: Generator) -> dict[str, Tensor]:
    """One passport for each convolution, uniform in [-1, 1]: [1, in, 8, 8]."""
    found = {}
    for name in layers:
        inputs = network.get_submodule(name).in_channels
        found[name] = torch.rand((1, inputs, PASSPORT, PASSPORT), generator=rng) * 2 - 1  # type: ignore[call-overload]
    return found


@torch.no_grad()
def values(network: nn.Module, name: str, passports: Mapping[str, Tensor]) -> Tensor:
    """[channels] v of a layer: its gamma, or what its convolution makes of the passport."""
    module = network.get_submodule(name)
    weight: Tensor = module.weight  # type: ignore[assignment]
    if name not in passports:
        return weight.detach().flatten().cpu()
    made = module._conv_forward(passports[name].to(weight), weight, None)  # type: ignore[operator]
    return made.mean((0, 2, 3)).cpu()


def dictated(groups: Groups, layers: Mapping[str, Layer], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The signs to give to each layer; neurons that share a sign take what most of them want, frozen ones none."""
    votes = np.zeros(groups.sign.count)
    for name, layer in layers.items():
        np.add.at(votes, groups.sign.of[signs_of(layer)], wanted[name].numpy())
    sign = np.where(votes < 0, -1, 1)
    sign[FROZEN] = 1
    return {name: torch.from_numpy(sign[groups.sign.of[signs_of(layer)]]) for name, layer in layers.items()}


def bit_errors(made: Tensor, bits: Tensor) -> int:
    """Bits that read wrong: [n] values, [n] +-1. A value of zero reads as 0."""
    return int(((made > 0) != (bits > 0)).sum())


class InvarianceOverwrite(Attack):
    """Gives neurons the signs that spell the attacker's message."""

    config: OverwriteConfig

    def check(self, network: nn.Module, shape: Shape, classes: int) -> None:
        """There must be signs to write to.

        Raises:
            NotApplicable: nothing of the kind is free.
        """
        with evaluating(network):
            self._carriers(network, study(network, shape))

    def _carriers(self, network: nn.Module, groups: Groups) -> dict[str, Layer]:
        layers = carriers(network, groups, self.config)
        if not layers:
            what = "norm with gammas" if self.config.carrier == "gamma" else "convolution in front of a norm"
            named = f" called {' or '.join(self.config.layers)}" if self.config.layers else ""
            raise NotApplicable(f"{groups.name} has no {what}{named} whose signs are free to change")
        return layers

    def attack(self, stolen: Stolen, fit: Fit, rng: Generator) -> Suspect:
        """Write the message, read it back, and say how much of it stands."""
        network = stolen.network
        groups = study(network, stolen.shape)
        layers = self._carriers(network, groups)
        passports = draw_passports(network, layers, rng) if self.config.carrier == "passport" else {}
        before = {name: values(network, name, passports) for name in layers}
        sizes = [len(value) for value in before.values()]
        message = self.config.message
        stream = text_bits(message, sum(sizes)) if message else random_bits(sum(sizes), rng)
        bits = dict(zip(layers, torch.split(stream, sizes), strict=True))
        wanted = {name: bits[name] * torch.where(before[name] < 0, -1, 1) for name in layers}
        signs = dictated(groups, layers, wanted)
        with refusals():
            change = draw(groups, rng, permute=False, scale=False, flip=False, signs=signs)
            after = apply(network, groups, change)
        wrong = {name: bit_errors(values(after, name, passports), bits[name]) for name in layers}
        return Suspect(
            after,
            {**_account(wrong, sizes, groups, layers), "parameters_changed": changed_share(network, after)},
        )


def _account(
    wrong: Mapping[str, int], sizes: list[int], groups: Groups, layers: Mapping[str, Layer]
) -> dict[str, float | str]:
    """Exhibits: the attacker's bit error rate, and which layers would not take every bit and why."""
    why = []
    for name in (name for name, count in wrong.items() if count):
        cls = groups.sign.of[signs_of(layers[name])]
        tied = [reason for symbols, reason in groups.sign_ties if np.isin(groups.sign.of[symbols], cls).any()]
        why.append(
            f"{name}: {wrong[name]} wrong, {tied[0] if tied else 'a value is zero or its sign is fixed'}"
        )
    return {
        "attacker_bits": float(sum(sizes)),
        "attacker_ber": sum(wrong.values()) / max(1, sum(sizes)),
        "attacker_limits": "; ".join(why) or "none",
    }
