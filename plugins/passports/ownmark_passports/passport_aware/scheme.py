"""Zhang, Chen, Liao, Zhang, Hua, Yu, "Passport-aware Normalization for Deep Model Protection", NeurIPS 2020.

Idea: as DeepIPR, with two changes. The private branch has BatchNorm statistics of its own, which stay with the owner,
and an FCN stands between what the passport makes and the scale that is used.
Threat model: the verifier holds the suspect's weights; passports, FCN, private statistics and message are secret.
Equations: gamma0 = mean conv(W, P) is `passport.scales`; gamma = F(gamma0) is `branches.PassportNorm.affine`; the sign
loss, on gamma0, is `message.sign_loss`.
Symbols: P [in, h, w] twice a layer, F: o -> o/4 -> o once a layer, gamma0, gamma, beta [o], signature b [T].
Deviations: see the declaration in `__init__` and the method card.
Reported: 74.78 % on CIFAR-100 with ResNet-18, 72.74 % private, all bits right (Table II of the invariance paper).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ownmark.contracts import Batch, HostView, Key, Task, Term
from ownmark_passports.embed import PassportScheme, privately, sign_term
from ownmark_passports.passport_aware.config import PassportAwareConfig


def every_second(term: Term, odd: bool) -> Term:
    """`term` on the odd or on the even steps, zero on the others."""

    def alternating(network: nn.Module, batch: Batch, step: int) -> Tensor:
        return term(network, batch, step) if step % 2 == int(odd) else batch.x.new_zeros(())

    return alternating


class PassportAware(PassportScheme):
    """Passports in all layers, two BatchNorms and an FCN each."""

    id = "passport_aware"
    fcn = True
    forgeries = ("random", "scale", "passports")
    config: PassportAwareConfig

    def layers(self) -> str | Sequence[str]:
        """See `PassportScheme.layers`."""
        return self.config.layers

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """See `PassportScheme.make_key`."""
        return super().make_key(task, rng).add(read=self.config.read)

    def terms(self, host: HostView, key: Key) -> tuple[Term, ...]:
        """See `PassportScheme.terms`."""
        public = tuple(host.terms)
        private = tuple(privately(term) for term in public)
        private = (*private, sign_term(key, self.config, after=self.config.read == "after"))
        if self.config.order == "summed":
            return (*public, *private)
        return (*(every_second(t, False) for t in public), *(every_second(t, True) for t in private))
