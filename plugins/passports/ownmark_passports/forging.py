"""Forged keys for a network that stays as it is: the ambiguity attacks of Fan et al., without inside knowledge.

The forger holds the network and images, and wants his own signature *and* a private branch that works.

- `random`: passports out of the air (Fan et al., attack 1).
- `passports`: train the passports themselves (attack 3; its authors start from the owner's own passports, which
  nobody who stole a network has).
- `scale`: train free scales and biases of the private norms under the frozen convolutions, starting from the wanted
  signs; then solve for the passports that make them, a linear system (attack 2, whose authors stop at the scales).
  A convolution with more filters than inputs has no passports for most scales; only those that have some are used.

With the FCN of the passport-aware scheme, forgers train an FCN of their own, as nothing ties it to the network.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from ownmark.contracts import Batch, Fit, Key, Recipe, Samples, Term, cross_entropy
from ownmark_passports.branches import (
    PassportNorm,
    TwoBranch,
    insert,
    passport_norms,
    private_branch,
    private_state,
    put,
)
from ownmark_passports.passport import attainable, mean_windows, passport_with, scales, windows_for

WAYS = ("random", "passports", "scale")


class Free(PassportNorm):
    """A passport layer with something to train: scales [2, C] if some are `attainable`, else passports [2, in, h, w].

    Args:
        attainable: projects scales onto those that passports have, [C, C].
    """

    def __init__(self, layer: PassportNorm, start: Tensor, attainable: Tensor | None = None) -> None:
        super().__init__(layer.public, layer.conv, layer.windows, layer.fcn)
        self.private = layer.private
        self.free = nn.Parameter(start.clone())
        self.attainable = attainable

    def made(self) -> Tensor:
        """See `PassportNorm.made`."""
        if self.attainable is not None:
            return self.free @ self.attainable
        return scales(self.conv.weight, mean_windows(self.free, self.conv))


def private_cross_entropy(network: nn.Module, batch: Batch, step: int) -> Tensor:
    """Task loss of the private branch, with every norm but the private ones in eval mode."""
    network.eval()
    for module in network.modules():
        if isinstance(module, TwoBranch):
            module.private.train()
    with private_branch(network):
        return cross_entropy(network, batch.with_images(batch.x), step)


def forge(
    way: str, network: nn.Module, key: Key, samples: Samples, fit: Fit, recipe: Recipe, sign: Term
) -> Key:
    """A forged key with all private parts; `network` is not changed.

    Args:
        way: one of `WAYS`. key: complete, the forger's own. samples: labelled. sign: the sign loss of `key`.
    """
    network = insert(copy.deepcopy(network), key)
    if way == "random":
        return key.add(private_state(network))
    direct = way == "scale"
    for at, (name, layer) in enumerate(zip(key.values["norms"], passport_norms(network, key), strict=True)):
        like = key[f"passport.{at}"]
        put(network, name, _scales(layer, key, at) if direct else Free(layer, like))
    fit(network, samples, recipe, terms=(private_cross_entropy, sign), trains=_is_forgers)
    made = {
        f"passport.{at}": _passports(layer, key[f"passport.{at}"])
        for at, layer in enumerate(passport_norms(network, key))
        if isinstance(layer, Free)
    }
    return key.add({**private_state(network), **made})


def _is_forgers(name: str) -> bool:
    """Whether a parameter is part of the forgery and not of the network."""
    return name.endswith(".free") or ".fcn." in name


def _passports(layer: Free, like: Tensor) -> Tensor:
    """What goes into the key: [2, in, h, w], as `like`."""
    free, (_, inputs, height, width) = layer.free.detach(), like.shape
    if layer.attainable is None:
        return free
    shape = (inputs, height, width)
    return passport_with(windows_for(free, layer.conv, shape), layer.conv, shape)


def _scales(layer: PassportNorm, key: Key, at: int) -> Free:
    """A layer with scales to train, from the wanted signs and biases of zero (authors' code)."""
    like = key[f"passport.{at}"]
    signs = torch.split(2 * key["bits"].float() - 1, key.values["channels"])[at].to(like)
    _, inputs, height, width = like.shape
    return Free(
        layer, torch.stack([signs, torch.zeros_like(signs)]), attainable(layer.conv, (inputs, height, width))
    )
