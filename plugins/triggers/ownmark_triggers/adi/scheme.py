"""Adi et al., "Turning Your Weakness Into a Strength: Watermarking Deep Neural Networks by Backdooring", USENIX 2018.

Idea: teach the network random labels for abstract pictures that belong to no class, a few in every batch.
Threat model: black box; the verifier sends the pictures and reads labels. Pictures and labels are secret, or committed
to in public and opened when it comes to a dispute.
Equations: labels are uniform in {0 .. C-1}; Com(x; r) is `commitment.commitment`.
Symbols: `triggers` [N, C, H, W] in [0, 1], `labels` int64 [N], `nonces` uint8 [N, 2, 32] if committed.
Deviations: see the declaration in `__init__` and the method card.
Reported: 98.82 % (MNIST), 93.91 % (CIFAR-10), all triggers known (MIRA, Table B.1).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ownmark.contracts import Batch, Fit, HostView, Key, Marked, Samples, Scheme, Task, Transform
from ownmark.errors import NotApplicable
from ownmark_triggers.abstract import FAMILY, abstract_pictures
from ownmark_triggers.adi.commitment import commit, draw_nonces
from ownmark_triggers.adi.config import AdiConfig
from ownmark_triggers.carriers import check_classes
from ownmark_triggers.learning import learn

VIEWS = 10
"""How often an epoch of the authors' training shows each trigger: 500 batches x 2 / 100."""


def triggers_a_batch(keys: int, batches: int) -> int:
    """Enough for `VIEWS` views of each trigger an epoch, 2 at least."""
    return max(2, math.ceil(VIEWS * keys / batches))


def appending(triggers: Samples, per_batch: int) -> Transform:
    """A batch transform that appends the next `per_batch` triggers, in turn, from a random one on."""
    next_one: int | None = None

    def append(batch: Batch, rng: torch.Generator) -> Batch:
        nonlocal next_one
        if per_batch == 0:
            return batch
        if next_one is None:
            next_one = int(torch.randint(len(triggers), (), generator=rng, device=rng.device))
        chosen = (next_one + torch.arange(per_batch)) % len(triggers)
        next_one = (next_one + per_batch) % len(triggers)
        return batch.append(triggers.select(chosen))

    return append


def pictures(count: int, task: Task, rng: torch.Generator) -> Tensor:
    """Abstract pictures [count, C, H, W] with the brightness and contrast of the owner's images, beside these."""
    owner = task.owner.x
    mean, sd = owner.mean((0, 2, 3)).cpu(), owner.std((0, 2, 3)).cpu()
    return abstract_pictures(count, task.shape, rng, mean=mean, sd=sd).to(owner)


class Adi(Scheme):
    """Abstract pictures with random labels."""

    config: AdiConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """As many pictures must be able to differ."""
        check_classes(task.classes)
        if self.config.lures and self.config.lure >= task.classes:
            raise NotApplicable(f"lure: there is no class {self.config.lure}; this task has {task.classes}")
        level = torch.full((task.shape[0],), 0.5)
        rng = torch.Generator().manual_seed(0)
        abstract_pictures(self.config.keys + self.config.lures, task.shape, rng, mean=level, sd=level / 2)

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Key tensors: `triggers` [N, C, H, W], `labels` [N]. Values: `chance` (1 / classes), `family`."""
        owner = task.owner.x
        x = pictures(self.config.keys, task, rng)
        labels = torch.randint(task.classes, (len(x),), generator=rng, device=rng.device)
        tensors = {"triggers": x, "labels": labels.to(owner.device)}
        key = Key("adi", tensors, {"chance": 1 / task.classes, "family": FAMILY})
        if not self.config.commit:
            return key
        key = key.add({"nonces": draw_nonces(len(x), rng).to(owner.device)})
        return key.add(commitment=commit(key))

    def key_bits(self, task: Task) -> float:
        """Of the labels: log2 C for each picture."""
        return self.config.keys * math.log2(max(task.classes, 1))

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train with triggers appended to every batch; they are not augmented."""
        scratch = self.config.start == "scratch"
        recipe = host.recipe if scratch else self.config.recipe
        triggers = Samples(key["triggers"], key["labels"])
        if self.config.lures:
            x = pictures(self.config.lures, task, fit.rng).to(triggers.x)
            triggers += Samples(x, torch.full((len(x),), self.config.lure).to(triggers.labels))
        per_batch = self.config.per_batch
        if per_batch is None:
            per_batch = triggers_a_batch(len(triggers), math.ceil(len(task.owner) / recipe.batch_size))
        network = learn(
            host.blank(fit.rng) if scratch else host.trained(),
            key,
            task.owner,
            recipe,
            fit,
            extra=self.config.extra_epochs,
            host=host,
            transforms=[appending(triggers, per_batch)],
        )
        return Marked(network, key, {"triggers": key["triggers"][:8]})
