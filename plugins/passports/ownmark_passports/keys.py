"""Keys of passport schemes: drawn before the network is known, completed when it is.

A fresh key holds a seed, the text, and the images behind shuffled passports. A complete one also names its layers
and holds `pad` and `bits` uint8 [T] and a `passport.i` [2, in, h, w] (scale, bias) a layer. Embedding adds `private.*`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ownmark.contracts import Key, Task, evaluating
from ownmark.contracts.views import device_of
from ownmark_passports.config import PassportConfig
from ownmark_passports.message import sealed
from ownmark_passports.passport import random_passports, shuffled_passports
from ownmark_passports.slots import Slot, choose, trace


def fresh_key(
    scheme: str,
    config: PassportConfig,
    layers: str | Sequence[str],
    task: Task,
    rng: torch.Generator,
    **values: Any,
) -> Key:
    """A key for whatever network comes."""
    seed = int(torch.randint(2**53, (), generator=rng, device=rng.device))
    tensors = {}
    if config.passports == "shuffled" and len(task.owner):
        picked = torch.randperm(len(task.owner), generator=rng, device=rng.device)[: config.images]
        tensors["images"] = task.owner.select(picked).x
    layers = layers if isinstance(layers, str) else list(layers)
    common = {"seed": seed, "text": config.message, "shape": list(task.shape), "wanted": layers}
    return Key(scheme, tensors, {**common, "fcn": False, **values})


def completed(key: Key, network: nn.Module) -> Key:
    """The key with layers, passports and signature for `network`; a complete key stays what it is.

    Args:
        network: the trained host, whose activations become shuffled passports; its weights matter for nothing else.

    Raises:
        NotApplicable: the network has no such layers, or too few channels for the message.
    """
    if "bits" in key.tensors:
        return key
    channels, height, width = key.values["shape"]
    found = trace(network, (channels, height, width))
    taken = choose(found, key.values["wanted"])
    rng = torch.Generator().manual_seed(key.values["seed"])
    pad = torch.randint(2, (sum(slot.channels for slot in taken),), generator=rng).to(torch.uint8)
    tensors = {"pad": pad, "bits": sealed(key.values["text"], pad), **_passports(key, network, taken, rng)}
    device = device_of(network)
    return key.add(
        {name: tensor.to(device) for name, tensor in tensors.items()},
        layers=[slot.conv for slot in taken],
        norms=[slot.norm for slot in taken],
        channels=[slot.channels for slot in taken],
        shared=found.shared(taken),
    )


def redrawn(key: Key) -> Key:
    """A complete key with other, random passports; everything else is kept. What a thief without passports has."""
    rng = torch.Generator().manual_seed(key.values["seed"] + 1)
    others = {}
    for at in range(len(key.values["layers"])):
        _, inputs, height, width = key[f"passport.{at}"].shape
        made = random_passports((inputs, height, width), rng)
        others[f"passport.{at}"] = made.to(key[f"passport.{at}"].device)
    return key.add(others)


def _passports(
    key: Key, network: nn.Module, taken: Sequence[Slot], rng: torch.Generator
) -> dict[str, Tensor]:
    if "images" not in key.tensors:
        return {f"passport.{at}": random_passports(slot.inputs, rng) for at, slot in enumerate(taken)}
    seen = _inputs_of(network, key["images"], [slot.conv for slot in taken])
    return {f"passport.{at}": shuffled_passports(given.cpu(), rng) for at, given in enumerate(seen)}


def _inputs_of(network: nn.Module, x: Tensor, convs: Sequence[str]) -> list[Tensor]:
    """What each convolution is given when the network sees x: [n, in, h, w] a convolution."""
    seen: dict[str, Tensor] = {}

    def recorder(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def record(module: nn.Module, args: tuple[Tensor, ...]) -> None:
            seen[name] = args[0].detach()

        return record

    handles = [network.get_submodule(name).register_forward_pre_hook(recorder(name)) for name in convs]
    try:
        with evaluating(network):
            network(x.to(device_of(network)))
    finally:
        for handle in handles:
            handle.remove()
    return [seen[name] for name in convs]
