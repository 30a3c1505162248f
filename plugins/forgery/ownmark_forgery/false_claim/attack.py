"""False claims, after Liu, Zhang, Szyller, Ren, Asokan, USENIX Security 2024 (full title in `__init__`).

Idea: what transfers between networks need not be a mark. A claimant fits triggers to networks of his own until they
all give his labels; an independent network gives many of them too. A commitment before the suspect exists does not
help, since nothing was fitted to the suspect; keys that the claimant cannot choose do.
Threat model: the claimant has images, no key of anybody, and the suspect only if `on_suspect`.
Functions: `fitted` moves triggers x to minimise the mean over networks f of cross entropy(f(x), y).
Symbols: x [N, C, H, W] in [0, 1], labels y [N].
Deviations: see the declaration in `__init__` and the method card.
Reported: no figures that a plan could repeat.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import (
    Attack,
    Extractor,
    Fit,
    Key,
    Samples,
    Scheme,
    Stolen,
    Suspect,
    black_box,
    cross_entropy,
)
from ownmark.errors import NotApplicable
from ownmark.stats import rank_among
from ownmark_forgery.false_claim.config import FalseClaimConfig
from ownmark_forgery.forger import RATE, host_view, task_of


def fitted(x: Tensor, labels: Tensor, networks: Sequence[nn.Module], steps: int, rate: float) -> Tensor:
    """Triggers [N, C, H, W] moved until the networks give the labels [N]; pixels stay in [0, 1].

    The networks' parameters are left alone, and so are their modes.
    """
    if not networks or not steps:
        return x
    device = next(networks[0].parameters()).device
    moved = x.detach().clone().to(device).requires_grad_(True)
    adam, wanted = torch.optim.Adam([moved], lr=rate), labels.to(device)
    for _ in range(steps):
        losses = [F.cross_entropy(network(moved), wanted) for network in networks]
        (slope,) = torch.autograd.grad(torch.stack(losses).mean(), moved)
        moved.grad = slope
        adam.step()
        with torch.no_grad():
            moved.clamp_(0, 1)
    return moved.detach().to(x)


class FalseClaim(Attack):
    """Claims a network with a key of the claimant's own.

    Args:
        scheme: whose keys are claimed with. extractor: reads them.
    """

    config: FalseClaimConfig

    def __init__(self, config: Any = None, *, scheme: Scheme, extractor: Extractor) -> None:
        super().__init__(config)
        self._scheme = scheme
        self._extractor = extractor

    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        """The key must fit the network."""
        empty = Samples(torch.zeros(0, *shape), torch.zeros(0, dtype=torch.int64))
        self._scheme.check(network, task_of(empty, shape, classes))

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Give back the network as it is, with the false claim beside it."""
        samples = stolen.images()
        task = task_of(samples, stolen.shape, stolen.classes)
        key = self._scheme.make_key(task, rng)
        if not {"triggers", "labels"} <= set(key.tensors):
            raise NotApplicable("false claims need a scheme whose keys have triggers and labels")
        decoys = [self._scheme.make_key(task, rng) for _ in range(self.config.decoys)]
        if self.config.keys == "free":
            networks = self._own(stolen, samples, fit) + (
                [stolen.copy().eval()] if self.config.on_suspect else []
            )
            moved = fitted(key["triggers"], key["labels"], networks, self.config.steps, self.config.rate)
            key = key.add({"triggers": moved})
        return Suspect(stolen.network, self._claimed(stolen.network, key, decoys))

    def _own(self, stolen: Stolen, samples: Samples, fit: Fit) -> list[nn.Module]:
        """The claimant's own networks, from scratch; only their structure is the suspect's."""
        host = host_view(stolen, self.config.recipe)
        return [
            fit(host.blank(fit.rng), samples, self.config.recipe, terms=(cross_entropy,))
            for _ in range(self.config.hosts)
        ]

    def _claimed(self, network: nn.Module, key: Key, decoys: Sequence[Key]) -> dict[str, float | str]:
        """The rank of the claimant's key among fresh ones, as exhibits."""
        box = black_box(network)
        own, *others = self._extractor.extract_many(box, [key, *decoys])
        ranked = rank_among(own.rate, [other.rate for other in others])
        return {
            "forged_hits": own.hits, "forged_n": own.n, "forged_p_value": ranked.p_value,
            "forged_claim": float(ranked.p_value <= RATE), "forged_way": f"{self.config.keys} key",
        }  # fmt: skip
