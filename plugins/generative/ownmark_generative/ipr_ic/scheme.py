"""IPR-IC: the owner's bits in the signs of a captioner's hidden state, and a key that the state is multiplied with.

Paper: Lim et al. 2022. Idea: each unit of the LSTM's state has the sign of its bit, whatever the picture shows.
Threat model: the verifier holds the weights and runs them.
Equations: strength * sum_i relu(0.1 - h_i b_i), mean over pictures -> `state_loss`; h * k before cell and attention ->
`state_key` of the network.
Symbols: h [N, H] after the first step, b [H] and k [H] of -1 and 1.
Deviations: see the declaration. Reported: BLEU-1 72.06, no wrong bit of 160 (invariance paper, Table II).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ownmark.contracts import Batch, Fit, HostView, Key, Marked, Scheme, Task, Term
from ownmark.errors import NotApplicable
from ownmark_generative.ipr_ic.config import IPRICConfig
from ownmark_generative.signs import bits_for, hinge, signs_of

CAPACITY = 1024
"""Units that a key is for, at most."""


def units(network: nn.Module) -> int:
    """Units of the state; 0 for a network that has none to look at."""
    key = getattr(network, "state_key", None)
    looks = callable(getattr(network, "first_state", None))
    return len(key) if looks and isinstance(key, Tensor) else 0


def state_loss(bits: Tensor, margin: float, strength: float) -> Term:
    """strength * mean over pictures of sum_i relu(margin - h_i b_i), h the state after the first step."""

    def term(network: nn.Module, batch: Batch, step: int) -> Tensor:
        hidden: Tensor = network.first_state(batch.x)  # type: ignore[operator]
        signs = signs_of(bits).to(hidden.device)
        return strength * hinge(hidden, signs, margin).sum(1).mean()

    return term


class IPRIC(Scheme):
    """Trains a captioner from scratch with its state's signs."""

    config: IPRICConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """The host must show its state.

        Raises:
            NotApplicable: it has none, or too many units.
        """
        if not 0 < units(network) <= CAPACITY:
            raise NotApplicable(
                f"the host has {units(network)} units of a state with `first_state` and `state_key`; 1 to {CAPACITY} "
                "can carry signs"
            )

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Tensors `pad` and `signs` uint8 [1024], `pictures` [n, C, H, W]; value `message`."""
        pad, signs = (torch.randint(2, (CAPACITY,), generator=rng).to(torch.uint8) for _ in range(2))
        chosen = torch.randperm(len(task.owner), generator=rng)[: self.config.pictures]
        pictures = task.owner.select(chosen).x.cpu()
        return Key(
            "ipr_ic", {"pad": pad, "signs": signs, "pictures": pictures}, {"message": self.config.message}
        )

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Put the key on the state and train with the host's terms and the sign loss."""
        network = host.blank(fit.rng)
        count = units(network)
        bits = bits_for(key, count)
        if self.config.state_key == "multiply":
            network.state_key.data.copy_(signs_of(key["signs"][:count]))  # type: ignore[operator, union-attr]
        terms: list[Term] = list(host.terms)
        if self.config.strength:
            terms.append(state_loss(bits, self.config.margin, self.config.strength))
        network = fit(network, task.owner, host.recipe, terms=terms, transforms=host.transforms)
        return Marked(network, key.add({"bits": bits}))
