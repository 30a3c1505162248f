"""Fan, Ng, Chan, Yang, "DeepIP: Deep Neural Network Intellectual Property Protection with Passports", TPAMI 2021.

Idea: behind some convolutions sits a second norm whose scale and bias are averages of the convolution applied to
secret passports. Both branches are trained; the signs of those scales spell a message, and forged passports give a
network that does not work.
Threat model: the verifier holds the suspect's weights; passports and message are secret.
Equations: gamma, beta = mean conv(W, P) is `passport.scales` of `passport.mean_windows`; the sign loss is
`message.sign_loss`; the two-branch forward pass is `branches.PassportNorm`.
Symbols: P [in, h, w] twice a layer, W [out, in, kh, kw], gamma and beta [out], signature b [T] over all layers.
Deviations: see the declaration in `__init__` and the method card.
Reported: 67.94 % on CIFAR-100 with ResNet-18, 67.89 % private, all bits right (Table II of the invariance paper).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ownmark.contracts import Batch, HostView, Key, Samples, Task, Term, Transform
from ownmark.contracts.views import Shape
from ownmark.errors import NotApplicable
from ownmark_passports.branches import put, release
from ownmark_passports.deepipr.config import DeepIPRConfig
from ownmark_passports.embed import PassportScheme, privately, sign_term
from ownmark_passports.keys import completed

GROUP = 16
"""Channels of a group (paper)."""


def grouped(network: nn.Module, norms: Sequence[str]) -> nn.Module:
    """The named BatchNorms made into GroupNorms with their scale and bias, in place; other norms are left.

    Raises:
        NotApplicable: a number of channels that 16 does not divide.
    """
    for name in norms:
        norm = network.get_submodule(name)
        if isinstance(norm, _BatchNorm):
            put(network, name, _group_norm(name, norm))
    return network


def _group_norm(name: str, norm: _BatchNorm) -> nn.GroupNorm:
    if norm.num_features % GROUP:
        raise NotApplicable(
            f"{name!r} has {norm.num_features} channels, which makes no groups of {GROUP}; "
            "take another width, or a host with `norm: group`"
        )
    made = nn.GroupNorm(norm.num_features // GROUP, norm.num_features).to(norm.weight.device)
    made.load_state_dict({"weight": norm.weight, "bias": norm.bias})
    return made


def appending(triggers: Samples, count: int) -> Transform:
    """Adds `count` random triggers to every batch."""

    def append(batch: Batch, rng: torch.Generator) -> Batch:
        return batch.append(
            triggers.select(torch.randint(len(triggers), (count,), generator=rng, device=rng.device))
        )

    return append


class DeepIPR(PassportScheme):
    """Passports in the widest layers, GroupNorm behind them."""

    id = "deepipr"
    config: DeepIPRConfig

    def layers(self) -> str | Sequence[str]:
        """See `PassportScheme.layers`."""
        return self.config.layers

    def check(self, network: nn.Module, task: Task) -> None:
        """There must be layers to take passports, a channel for each bit, and groups of 16."""
        key = completed(self.make_key(task, torch.Generator().manual_seed(0)), network)
        for name in key.values["norms"]:
            norm = network.get_submodule(name)
            if isinstance(norm, _BatchNorm):
                _group_norm(name, norm)

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """See `PassportScheme.make_key`; with V3 also `triggers` [N, C, H, W] and `labels` [N]."""
        key = super().make_key(task, rng).add(single=self.config.variant == "V1")
        if self.config.variant != "V3":
            return key
        count, device = self.config.triggers, task.owner.device
        noise = torch.rand(count, *task.shape, generator=rng, device=rng.device).to(device)
        labels = torch.randint(task.classes, (count,), generator=rng, device=rng.device).to(device)
        return key.add({"triggers": noise, "labels": labels}, chance=1 / task.classes)

    def prepared(self, network: nn.Module, key: Key) -> nn.Module:
        """See `PassportScheme.prepared`."""
        return grouped(network, key.values["norms"])

    def terms(self, host: HostView, key: Key) -> tuple[Term, ...]:
        """See `PassportScheme.terms`; V1 trains the private branch alone."""
        if self.config.variant != "V1":
            return super().terms(host, key)
        return (*(privately(term) for term in host.terms), sign_term(key, self.config))

    def transforms(self, key: Key) -> tuple[Transform, ...]:
        """See `PassportScheme.transforms`."""
        if self.config.variant != "V3":
            return ()
        return (appending(Samples(key["triggers"], key["labels"]), self.config.per_batch),)

    def released(self, network: nn.Module) -> nn.Module:
        """See `PassportScheme.released`."""
        return release(network, fold=self.config.variant == "V1")

    def restore(
        self, network: nn.Module, state: Mapping[str, Tensor], shape: Shape = (0, 0, 0), classes: int = 0
    ) -> nn.Module:
        """Make GroupNorms of the BatchNorms for which the state has no running statistics, then load it."""
        batch_norms = [name for name, module in network.named_modules() if isinstance(module, _BatchNorm)]
        network = grouped(network, [name for name in batch_norms if f"{name}.running_mean" not in state])
        network.load_state_dict(dict(state))
        return network
