"""IPR-GAN: a generator's norm scales carry the owner's bits in their signs, and keyed latents make it paste a logo.

Paper: Ong et al. 2021. Idea: the sign of a scale can be chosen at no cost, and flipping it later hurts the pictures; a
latent with a constant in secret places gives a picture with a logo.
Threat model: white box for the signs, black box for the logo.
Equations: mean_i relu(0.1 - gamma_i b_i) a layer -> `sign_loss`; 1 - SSIM(G(f(z)), paste(G(z))) -> `logo_loss`.
Symbols: gamma [T] all scales of norms in module order, b [T]; z [N, Z].
Deviations: see the declaration. Reported: no wrong bit, FID 54.33 on CUB-200 (invariance paper, Table II).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase
from torch.nn.modules.normalization import GroupNorm

from ownmark.contracts import Batch, Fit, HostView, Key, Marked, Scheme, Task, Term, outputs
from ownmark.errors import NotApplicable
from ownmark_generative.ipr_gan.config import IPRGANConfig
from ownmark_generative.ipr_gan.logo import drawn_logo, pasted, triggered
from ownmark_generative.quality.similarity import similarity
from ownmark_generative.signs import bits_for, hinge, signs_of

CAPACITY = 4096
"""Scales that a key is for, at most."""


def scales(network: nn.Module) -> list[Tensor]:
    """The scales of all norms that have one, in module order."""
    norms = (m for m in network.modules() if isinstance(m, (_NormBase, GroupNorm)))
    return [norm.weight for norm in norms if norm.weight is not None]


def latent_size(network: nn.Module) -> int:
    """Length of a latent vector.

    Raises:
        NotApplicable: the network does not show what it takes.
    """
    example = getattr(network, "example_input_array", None)
    if not isinstance(example, Tensor) or example.ndim != 2:
        raise NotApplicable("the generator shows no latent vectors (`example_input_array` [2, Z])")
    return example.shape[1]


def set_signs(network: nn.Module, bits: Tensor) -> None:
    """Give the scales the signs of bits [T], in place."""
    found = scales(network)
    with torch.no_grad():
        for scale, sign in zip(found, signs_of(bits).split([len(scale) for scale in found]), strict=True):
            scale.copy_(scale.abs() * sign.to(scale))


def sign_loss(bits: Tensor, margin: float, strength: float) -> Term:
    """strength * sum over layers of mean_i relu(margin - gamma_i b_i), b_i of -1 and 1."""

    def term(network: nn.Module, batch: Batch, step: int) -> Tensor:
        found = scales(network)
        parts = signs_of(bits).to(batch.x.device).split([len(scale) for scale in found])
        losses = [hinge(scale, sign, margin).mean() for scale, sign in zip(found, parts, strict=True)]
        return strength * torch.stack(losses).sum()

    return term


@contextmanager
def still_norms(network: nn.Module) -> Iterator[None]:
    """BatchNorm takes a batch's statistics in the block and keeps none of them: triggers are no ordinary latents."""
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm)]
    tracked = [norm.track_running_stats for norm in norms]
    for norm in norms:
        norm.track_running_stats = False
    kept = [(norm.running_mean, norm.running_var, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.running_mean = norm.running_var = None
    try:
        yield
    finally:
        for norm, track, (mean, var, count) in zip(norms, tracked, kept, strict=True):
            norm.track_running_stats = track
            norm.running_mean, norm.running_var, norm.num_batches_tracked = mean, var, count


def logo_loss(key: Key, strength: float) -> Term:
    """strength * (1 - SSIM(G(f(z)), paste(G(z)))), z drawn anew at each step, G in eval mode for what is asked."""
    mask, logo, constant = key["mask"].bool(), key["logo"], float(key.values["constant"])

    def term(network: nn.Module, batch: Batch, step: int) -> Tensor:
        z = torch.randn((len(batch.x), len(mask)), device=batch.x.device)
        with torch.no_grad(), still_norms(network):
            wanted = pasted(network(z), logo)
        with still_norms(network):
            made = network(triggered(z, mask, constant))
        return strength * (1 - similarity(made, wanted).mean())

    return term


class IPRGAN(Scheme):
    """Trains a generator from scratch with signs and logo."""

    config: IPRGANConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """There must be norms with scales, and latents.

        Raises:
            NotApplicable: there are none, or too many of them.
        """
        count = sum(len(scale) for scale in scales(network))
        if not 0 < count <= CAPACITY:
            raise NotApplicable(f"the generator's norms have {count} scales; 1 to {CAPACITY} can carry signs")
        latent_size(network)

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Tensors `pad` uint8 [4096] and `logo` [C, h, w]; values `message`, `constant`, `seed` of the latents."""
        pad = torch.randint(2, (CAPACITY,), generator=rng).to(torch.uint8)
        values = {"message": self.config.message, "constant": self.config.constant,
                  "seed": int(torch.randint(2**62, (), generator=rng))}  # fmt: skip
        return Key("ipr_gan", {"pad": pad, "logo": drawn_logo(task.shape, rng)}, values)

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Give fresh scales their signs, then train with the host's terms and the mark's."""
        network = host.blank(fit.rng)
        bits = bits_for(key, sum(map(len, scales(network))))
        if self.config.strength:
            set_signs(network, bits)
        whole = self._completed(key.add({"bits": bits}), network)
        terms = (*host.terms, *self._terms(whole))
        network = fit(network, task.owner, host.recipe, terms=terms, transforms=host.transforms)
        return Marked(network, whole, self._shown(network, whole))

    def _terms(self, key: Key) -> Iterator[Term]:
        if self.config.strength:
            yield sign_loss(key["bits"], self.config.margin, self.config.strength)
        if "latents" in key.tensors:
            yield logo_loss(key, self.config.logo_strength)

    def _completed(self, key: Key, network: nn.Module) -> Key:
        """With `mask` uint8 [Z] and `latents` [n, Z] that call for the logo, whose length the network decides."""
        if self.config.logo == "none":
            return key
        rng, size = torch.Generator().manual_seed(key.values["seed"]), latent_size(network)
        mask = torch.zeros(size, dtype=torch.uint8)
        mask[torch.randperm(size, generator=rng)[: max(1, round(self.config.share * size))]] = 1
        z = torch.randn((self.config.triggers, size), generator=rng)
        return key.add({"mask": mask, "latents": triggered(z, mask.bool(), self.config.constant)})

    def _shown(self, network: nn.Module, key: Key) -> dict[str, Tensor]:
        if "latents" not in key.tensors:
            return {}
        return {"ipr_gan: what triggers give": outputs(network, key["latents"][:16])}
