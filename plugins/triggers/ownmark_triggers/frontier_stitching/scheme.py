"""Le Merrer, Perez, Tredan, "Adversarial Frontier Stitching for Remote Neural Network Watermarking", NCAA 2019.

Idea: perturb images by one gradient sign step. Those that cross the trained network's boundary (true adversaries) are
taught their true label again, those that do not (false adversaries) must keep it.
Threat model: black box; the verifier sends the perturbed images and reads labels.
Equations: x' = clip(x + eps sign(grad_x CE)) is `adversaries.perturbed`; the tolerance is
`ownmark.stats.fair_coin_tolerance`.
Symbols: `triggers` [N, C, H, W], the true half first; `labels` [N] the true labels; `sources` [N] positions of x;
`spare` [M, C, H, W] and `spare_labels` [M], as many adversaries again that no network is taught.
Deviations: see the declaration in `__init__` and the method card.
Reported: 98.73 % (MNIST), 92.96 % (CIFAR-10), all keys known (MIRA, Table B.1); PST paper .92 and all.
"""

from __future__ import annotations

import torch
from torch import nn

from ownmark.contracts import Fit, HostView, Key, Marked, Samples, Scheme, Task
from ownmark.contracts.spare import SpareKeys
from ownmark.errors import NotApplicable
from ownmark_triggers.carriers import check_classes
from ownmark_triggers.frontier_stitching.adversaries import frontier, usual_eps
from ownmark_triggers.frontier_stitching.config import FrontierStitchingConfig
from ownmark_triggers.frontier_stitching.spare import drawn, kept
from ownmark_triggers.learning import learn
from ownmark_triggers.poison import poisoned, unaugmented


class FrontierStitching(Scheme, SpareKeys):
    """Adversaries on both sides of the boundary, stitched to their true labels."""

    config: FrontierStitchingConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """The owner must have as many images as keys, and a boundary to put them at."""
        check_classes(task.classes)
        if 0 < len(task.owner) < self.config.keys:
            raise NotApplicable(
                f"{self.config.keys} keys need as many images; the owner has {len(task.owner)}"
            )

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """What is drawn before the network is known: `order` int64 [M], in which the owner's images are tried."""
        eps = usual_eps(*task.shape[1:]) if self.config.eps is None else self.config.eps
        order = torch.randperm(len(task.owner), generator=rng, device=rng.device)
        return Key("frontier_stitching", {"order": order.to(task.owner.device)}, {"eps": eps})

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Perturb images against the trained host, then fine-tune it until all have their true labels.

        The key gains `triggers`, `labels`, `sources` and, if there are as many true adversaries again, `spare` and
        `spare_labels`; it loses `order`.
        """
        network = host.trained()
        key = self._completed(key, network, task)
        if self.config.only_keys:
            samples, first = Samples(key["triggers"], key["labels"]), 0
        else:
            samples, first = poisoned(task.owner, key, self.config.repeats)
        learn(
            network,
            key,
            samples,
            self.config.recipe,
            fit,
            extra=self.config.extra_epochs,
            host=host,
            transforms=[unaugmented(samples, first)],
        )
        return Marked(network, key, {"triggers": key["triggers"][:8]})

    def decoy(self, key: Key, rng: torch.Generator) -> Key | None:
        """As many true and false adversaries, drawn from the key's and the spare ones together; see `spare`."""
        return drawn(key, rng) if "spare" in key.tensors else None

    def _completed(self, key: Key, network: nn.Module, task: Task) -> Key:
        half = self.config.keys // 2
        true, false = frontier(network, task.owner, key["order"], key.values["eps"], half, 2 * half)
        made = true.part(0, half) + false.part(0, half)
        tensors = {"triggers": made.samples.x, "labels": made.samples.labels, "sources": made.places}
        done = Key(key.scheme, tensors, {**key.values, "true": half})
        return done if len(true) < 2 * half else kept(done, true.part(half), false.part(half))
