"""Embedding: the host's own losses on both branches, and the signature's on the passports' scales."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ownmark.contracts import (
    Batch,
    Fit,
    HostView,
    Key,
    Marked,
    Recipe,
    Samples,
    Scheme,
    Task,
    Term,
    Transform,
)
from ownmark_passports.branches import insert, passport_norms, private_branch, private_state, release
from ownmark_passports.config import PassportConfig
from ownmark_passports.forging import WAYS, forge
from ownmark_passports.keys import completed, fresh_key
from ownmark_passports.message import sign_loss


def privately(term: Term) -> Term:
    """`term` on the private branch: a second forward pass over the same batch."""

    def evaluated(network: nn.Module, batch: Batch, step: int) -> Tensor:
        with private_branch(network):
            return term(network, batch.with_images(batch.x), step)

    return evaluated


def sign_term(key: Key, config: PassportConfig, after: bool = False) -> Term:
    """The sign loss over all passport layers.

    Args:
        key: complete. after: of the scales that the FCN puts out, not of those it is given.
    """

    def term(network: nn.Module, batch: Batch, step: int) -> Tensor:
        layers = passport_norms(network, key)
        made = torch.cat([(layer.affine() if after else layer.made())[0] for layer in layers])
        return sign_loss(made, key["bits"], config.alpha, config.margin)

    return term


class PassportScheme(Scheme):
    """What both schemes do; they differ in norms, branches and losses.

    It also forges, which is an optional protocol of the pack `ownmark-forgery`: see `forge`.
    """

    id: str
    fcn: bool = False
    config: PassportConfig
    forgeries = WAYS

    def layers(self) -> str | Sequence[str]:
        """Which convolutions take passports, as `slots.choose` reads it."""
        raise NotImplementedError

    def prepared(self, network: nn.Module, key: Key) -> nn.Module:
        """The host with the norms that the scheme wants, in place."""
        return network

    def terms(self, host: HostView, key: Key) -> tuple[Term, ...]:
        """The losses of both branches (sections on training of either paper)."""
        private = tuple(privately(term) for term in host.terms)
        return (*host.terms, *private, sign_term(key, self.config))

    def transforms(self, key: Key) -> tuple[Transform, ...]:
        """What is done to batches beyond the host's own transforms."""
        return ()

    def released(self, network: nn.Module) -> nn.Module:
        """The ordinary network that goes out."""
        return release(network)

    def check(self, network: nn.Module, task: Task) -> None:
        """There must be layers to take passports, with a channel for each bit."""
        completed(self.make_key(task, torch.Generator().manual_seed(0)), network)

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Seed, text and images; `keys.completed` adds the rest once the network is known."""
        return fresh_key(self.id, self.config, self.layers(), task, rng, fcn=self.fcn)

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train both branches together and release the public one; the private parts go into the key."""
        scratch = self.config.start == "scratch"
        network = host.blank(fit.rng) if scratch else host.trained()
        key = completed(key, host.trained() if "images" in key.tensors else network)
        insert(self.prepared(network, key), key)
        fit(
            network,
            task.owner,
            host.recipe if scratch else self.config.recipe,
            terms=self.terms(host, key),
            transforms=(*host.transforms, *self.transforms(key)),
        )
        key = key.add(private_state(network))
        return Marked(self.released(network), key)

    def forge(
        self, way: str, network: nn.Module, key: Key, samples: Samples, fit: Fit, recipe: Recipe
    ) -> Key:
        """A key for a network that this key never marked: see `forging.forge`."""
        key = completed(key, network)
        return forge(way, network, key, samples, fit, recipe, sign_term(key, self.config))
