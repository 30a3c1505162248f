"""Whose stitches are they? A key is read beside other choices from the adversaries that it was chosen from.

Adversaries come in a random order that the key draws, and the first of each kind are stitched. To a network that knows
nothing of the key they are like the next ones, however robust it is: whichever were stitched, it answers alike. So the
share that the key matches and the shares of random choices from all of them are exchangeable, given the host and its
adversaries. The marked network was taught the first ones alone.
"""

from __future__ import annotations

import torch

from ownmark.contracts import Key, Samples
from ownmark_triggers.frontier_stitching.adversaries import Side


def kept(key: Key, true: Side, false: Side) -> Key:
    """The key with spare adversaries: `spare` [M, C, H, W] and `spare_labels` [M], the true ones first."""
    spare = (true + false).samples
    return key.add({"spare": spare.x, "spare_labels": spare.labels}, spare_true=len(true))


def drawn(key: Key, rng: torch.Generator) -> Key:
    """A key of as many adversaries of each kind, drawn without replacement from its own and the spare ones."""
    own, spare = Samples(key["triggers"], key["labels"]), Samples(key["spare"], key["spare_labels"])
    true = _choice(own, spare, slice(None, key.values["true"]), slice(None, key.values["spare_true"]), rng)
    false = _choice(own, spare, slice(key.values["true"], None), slice(key.values["spare_true"], None), rng)
    chosen = true + false
    return Key(key.scheme, {"triggers": chosen.x, "labels": chosen.labels}, key.values)


def _choice(own: Samples, spare: Samples, mine: slice, others: slice, rng: torch.Generator) -> Samples:
    """As many as `own` has between the bounds `mine`, out of these and of the spare ones between `others`."""
    side = [
        samples.select(torch.arange(len(samples))[which]) for samples, which in ((own, mine), (spare, others))
    ]
    everyone = side[0] + side[1]
    return everyone.select(torch.randperm(len(everyone), generator=rng, device=rng.device)[: len(side[0])])
