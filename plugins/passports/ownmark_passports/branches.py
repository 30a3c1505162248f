"""Networks with two branches: the same convolutions under public and under private norms.

`insert` puts a `TwoBranch` in the place of a norm, `release` puts the host's own norm back, so that what is released
has neither passports nor private statistics. Which branch a forward pass takes is a switch.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ownmark.contracts import Key, seeded
from ownmark.errors import Unreadable
from ownmark_passports.passport import mean_windows, scales

PRIVATE = "private."
"""Prefix of the key's tensors that are private state of the two-branch network."""


class TwoBranch(nn.Module):
    """A norm with private statistics beside the public ones; both branches share scale and bias.

    Args:
        public: the host's norm over C channels, with scale and bias.
    """

    def __init__(self, public: nn.Module) -> None:
        super().__init__()
        self.public = public
        self.private = copy.deepcopy(public)
        self.private.weight = self.private.bias = None  # type: ignore[assignment]
        self.switched = False

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> the same shape, through the branch that is switched on."""
        if not self.switched:
            released: Tensor = self.public(x)
            return released
        scale, bias = self.affine()
        private: Tensor = self.private(x) * scale[:, None, None] + bias[:, None, None]
        return private

    def affine(self) -> Tensor:
        """Scale and bias of the private branch: [2, C]."""
        return torch.stack([self.public.weight, self.public.bias])  # type: ignore[list-item]


class PassportNorm(TwoBranch):
    """A norm whose private scale and bias are made by passports.

    Args:
        conv: the convolution in front, whose weights they are made of. windows: [2, in * kh * kw], the passports'.
        fcn: maps both, [2, C] -> [2, C]; None leaves them.
    """

    windows: Tensor

    def __init__(
        self, public: nn.Module, conv: nn.Conv2d, windows: Tensor, fcn: nn.Module | None = None
    ) -> None:
        super().__init__(public)
        self._conv = (conv,)  # in a tuple: it stays the host's, not this module's
        self.register_buffer("windows", windows, persistent=False)
        self.fcn = fcn

    @property
    def conv(self) -> nn.Conv2d:
        """The convolution in front."""
        return self._conv[0]

    def made(self) -> Tensor:
        """gamma0 and beta0, before the FCN: [2, C]."""
        return scales(self.conv.weight, self.windows)

    def affine(self) -> Tensor:
        """See `TwoBranch.affine`."""
        made = self.made()
        if self.fcn is None:
            return made
        with torch.autocast(made.device.type, enabled=False):
            mapped: Tensor = self.fcn(made)
        return mapped


def fcn(channels: int) -> nn.Module:
    """F of passport-aware normalisation: linear, leaky ReLU, linear, no biases, a quarter as wide inside."""
    inner = max(1, channels // 4)
    return nn.Sequential(
        nn.Linear(channels, inner, bias=False), nn.LeakyReLU(), nn.Linear(inner, channels, bias=False)
    )


def put(network: nn.Module, name: str, module: nn.Module) -> None:
    """Put `module` in the place of the submodule called `name`."""
    parent, _, leaf = name.rpartition(".")
    setattr(network.get_submodule(parent), leaf, module)


def passport_norms(network: nn.Module, key: Key) -> list[PassportNorm]:
    """The inserted passport layers in the key's order."""
    return [network.get_submodule(name) for name in key.values["norms"]]  # type: ignore[misc]


def insert(network: nn.Module, key: Key) -> nn.Module:
    """Put private norms beside the public ones, in place, with what the key holds of their state.

    Args:
        key: complete. F of the passport-aware scheme starts from the key's seed until a trained one is in the key.

    Raises:
        Unreadable: the network has no such layers.
    """
    modules = dict(network.named_modules())
    for at, (conv_name, norm_name) in enumerate(zip(key.values["layers"], key.values["norms"], strict=True)):
        conv, norm = modules.get(conv_name), modules.get(norm_name)
        if not isinstance(conv, nn.Conv2d) or getattr(norm, "weight", None) is None:
            raise Unreadable(f"the network has no convolution {conv_name!r} with a norm {norm_name!r}")
        windows = mean_windows(key[f"passport.{at}"].to(conv.weight.device), conv)
        mapping = _fresh_fcn(conv, key.values["seed"] + at) if key.values["fcn"] else None
        put(network, norm_name, PassportNorm(norm, conv, windows, mapping))  # type: ignore[arg-type]
    for name in [] if key.values.get("single") else key.values["shared"]:
        put(network, name, TwoBranch(network.get_submodule(name)))
    _load_private(network, key)
    return network


def _fresh_fcn(conv: nn.Conv2d, seed: int) -> nn.Module:
    with seeded(torch.Generator().manual_seed(seed)):
        return fcn(conv.out_channels).to(conv.weight.device)


def _load_private(network: nn.Module, key: Key) -> None:
    state = {n.removeprefix(PRIVATE): t for n, t in key.tensors.items() if n.startswith(PRIVATE)}
    try:
        network.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise Unreadable(f"the key's private norms do not fit into the network: {error}") from error


def private_state(network: nn.Module) -> dict[str, Tensor]:
    """Private statistics and F, under the names they have in a key."""
    ours = tuple(
        f"{name}.{part}." for name, module in network.named_modules() if isinstance(module, TwoBranch)
        for part in ("private", "fcn")
    )  # fmt: skip
    return {PRIVATE + name: tensor for name, tensor in network.state_dict().items() if name.startswith(ours)}


def release(network: nn.Module, fold: bool = False) -> nn.Module:
    """Take the private parts out, in place: an ordinary network whose norms have scale and bias.

    Args:
        fold: give the norms the scale and bias that the passports make, so that the private branch is what is released.
    """
    for name, module in list(network.named_modules()):
        if isinstance(module, TwoBranch):
            if fold:
                scale, bias = module.affine().detach()
                module.public.weight.data.copy_(scale)  # type: ignore[operator]
                module.public.bias.data.copy_(bias)  # type: ignore[operator]
            put(network, name, module.public)
    return network


@contextmanager
def private_branch(network: nn.Module) -> Iterator[nn.Module]:
    """The network with its private branch switched on."""
    layers = [module for module in network.modules() if isinstance(module, TwoBranch)]
    for layer in layers:
        layer.switched = True
    try:
        yield network
    finally:
        for layer in layers:
            layer.switched = False
