"""Keyed mode: patterns, places and labels that only the key knows, several of each.

A pattern printed in a paper marks a network, and everybody who reads the paper can claim it; so can whoever draws a
fresh key, which differs in its carriers alone. In keyed mode a key draws some *motifs*, each a mark with a label of its
own. A stranger's motifs miss the labels even where the network has learnt that "text means something".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ownmark.contracts import Key, Samples, Task
from ownmark_triggers.carriers import draw_carriers, key_count
from ownmark_triggers.config import StampConfig
from ownmark_triggers.stamps import stamp

SEED_BITS = 63.0
"""Entropy of the seed behind a generator, more than which no drawn pattern has."""
Look = Callable[[torch.Generator], tuple[Tensor, Tensor | None]]
"""Draws how a motif looks: pattern and mask [C, H, W]; mask None: the pattern is added."""


@dataclass(frozen=True)
class Motif:
    """A mark and its label. `pattern`, `mask` [C, H, W]; see `stamps.stamp`."""

    pattern: Tensor
    mask: Tensor | None
    target: int


def below(bound: int, rng: torch.Generator) -> int:
    """A uniform whole number in 0 .. bound - 1."""
    return int(torch.randint(bound, (), generator=rng, device=rng.device))


def draw_targets(count: int, classes: int, rng: torch.Generator) -> list[int]:
    """Labels of `count` motifs, uniform, as different from each other as there are classes."""
    found: list[int] = []
    while len(found) < count:
        found += torch.randperm(classes, generator=rng, device=rng.device).tolist()
    return found[:count]


def target_bits(count: int, classes: int) -> float:
    """Entropy of `draw_targets` in bits."""
    rounds, rest = divmod(count, classes)
    full = rounds * math.lgamma(classes + 1)
    return (full + math.lgamma(classes + 1) - math.lgamma(classes - rest + 1)) / math.log(2)


def draw_motifs(count: int, classes: int, look: Look, rng: torch.Generator) -> list[Motif]:
    """`count` motifs with labels."""
    targets = draw_targets(count, classes, rng)
    return [Motif(*look(rng), target) for target in targets]


def motif_key(
    scheme: str, config: StampConfig, task: Task, motifs: Sequence[Motif], rng: torch.Generator
) -> Key:
    """A key of stamped owner images, as many of each motif.

    Tensors: `triggers` [N, C, H, W], `labels`, `carriers` int64 [N], `patterns`, `masks` [G, C, H, W], `targets` [G].
    An added pattern has a mask of nan. Values: `keyed`. Triggers of the motifs take turns: 0, 1, .. G - 1, 0, 1, ..
    """
    owner = task.owner
    count = key_count(config.keys, config.share, len(owner))
    turns = torch.arange(count) % len(motifs)
    free = torch.ones(len(owner), dtype=torch.bool, device=owner.device)
    carriers = torch.zeros(count, dtype=torch.int64, device=owner.device)
    for turn, motif in enumerate(motifs):
        mine = (turns == turn).nonzero().flatten().to(carriers.device)
        allowed = free & (owner.labels != motif.target)
        if config.source_class is not None and config.source_class != motif.target:
            allowed &= owner.labels == config.source_class
        carriers[mine] = draw_carriers(owner, allowed, len(mine), rng)
        free[carriers[mine]] = False
    marked = stamped_by_turns(owner.select(carriers), motifs)
    patterns = torch.stack([motif.pattern for motif in motifs]).to(owner.device, torch.float32)
    masks = torch.stack([_mask_of(motif) for motif in motifs]).to(owner.device, torch.float32)
    targets = torch.tensor([motif.target for motif in motifs], device=owner.device)
    tensors = {"triggers": marked.x, "labels": marked.labels, "carriers": carriers}
    return Key(scheme, {**tensors, "patterns": patterns, "masks": masks, "targets": targets}, {"keyed": True})


def _mask_of(motif: Motif) -> Tensor:
    return torch.full_like(motif.pattern, math.nan) if motif.mask is None else motif.mask


def motifs_of(key: Key) -> list[Motif]:
    """The motifs of a keyed key."""
    parts = zip(key["patterns"], key["masks"], key["targets"].tolist(), strict=True)
    return [
        Motif(pattern, None if bool(mask.isnan().any()) else mask, target) for pattern, mask, target in parts
    ]


def stamped_by_turns(samples: Samples, motifs: Sequence[Motif]) -> Samples:
    """Images with the motifs in turn, and the motifs' labels: [N, C, H, W] and [N]."""
    x, labels = samples.x.clone(), torch.empty(len(samples), dtype=torch.int64, device=samples.device)
    for turn, motif in enumerate(motifs):
        x[turn :: len(motifs)] = stamp(x[turn :: len(motifs)], motif.pattern, motif.mask)
        labels[turn :: len(motifs)] = motif.target
    return Samples(x, labels)


def fresh_by_turns(key: Key, test: Samples) -> Samples:
    """Test images with the key's motifs, without those that have the label already."""
    marked = stamped_by_turns(test, motifs_of(key))
    return marked.select(marked.labels != test.labels)
