"""A message in group means: an example of a white-box scheme.

Idea: split the largest weight into secret groups; fine-tune until the sign of each group's mean spells the message.
Threat model: the verifier holds the suspect's weights; groups and message are secret.
Equations: none; the loss is `groups.message_loss`, extraction is the sign of `groups.group_means`.
Symbols: T bits, w [n] the flattened weight, b [T] is `bits`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from acme_marks.group_mean.config import GroupMeanConfig
from acme_marks.group_mean.groups import carrier, draw_groups, group_means, message_loss
from ownmark.contracts import Batch, Fit, HostView, Key, Marked, Scheme, Task, Term
from ownmark.errors import NotApplicable


def message_term(key: Key, entries: int, strength: float, margin: float) -> Term:
    """strength * message loss of the weight being trained."""
    bits = len(key["bits"])
    groups = draw_groups(entries, bits, key.values["seed"])

    def term(network: nn.Module, batch: Batch, step: int) -> Tensor:
        return strength * message_loss(group_means(carrier(network), groups, bits), key["bits"], margin)

    return term


class GroupMean(Scheme):
    """A message in the signs of group means."""

    config: GroupMeanConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """Every bit needs a weight."""
        entries = carrier(network).numel()
        if entries < self.config.bits:
            raise NotApplicable(f"{self.config.bits} bits do not fit into {entries} weights")

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Tensor `bits` uint8 [T]; value `seed`, from which the groups follow."""
        bits = torch.randint(2, (self.config.bits,), generator=rng, device=rng.device)
        seed = int(torch.randint(2**53, (), generator=rng, device=rng.device))
        return Key("group_mean", {"bits": bits.to(torch.uint8)}, {"seed": seed})

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Fine-tune the trained host with the message's loss added to its own."""
        network = host.trained()
        entries = carrier(network).numel()
        term = message_term(key, entries, self.config.strength, self.config.margin)
        fit(network, task.owner, self.config.recipe, terms=(*host.terms, term), transforms=host.transforms)
        return Marked(network, key)
