"""Several networks of one recipe, trained side by side on one GPU: null models, mostly."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from ownmark.contracts.fit import Recipe, cross_entropy
from ownmark.contracts.samples import Samples, Term, Transform
from ownmark.loops.fit import Fitter, finished
from ownmark.loops.graphs import Job

if TYPE_CHECKING:
    import pytorch_lightning as pl


@dataclass(frozen=True)
class Parts:
    """What a network is trained with beside its recipe, as for `Fit`."""

    terms: Sequence[Term] = (cross_entropy,)
    transforms: Sequence[Transform] = ()


def fit_together(
    fitters: Sequence[Fitter],
    networks: Sequence[nn.Module],
    samples: Sequence[Samples],
    recipe: Recipe,
    parts: Sequence[Parts] | None = None,
) -> list[nn.Module]:
    """Train each network as its own fitter would alone, with the same weights to the bit.

    On a CUDA device, steps that can be recorded are recorded as one graph in which every network has a stream of its
    own: small networks leave most of a GPU idle, and share it so. Everything else is trained one after the other; see
    `share_steps`.

    Args:
        fitters: one a network, all on one device. networks: of one architecture. samples: what each is trained on.
        recipe: shared by all. parts: each network's own, since they may keep a state; cross-entropy if not given.
    """
    jobs = [
        fitter.job(network, images, recipe, part.terms, part.transforms)
        for fitter, network, images, part in zip(
            fitters, networks, samples, parts or [Parts()] * len(networks), strict=True
        )
    ]
    if _on_device(fitters, jobs):
        first = fitters[0]
        with first.training():
            first.replay(jobs, first.observers((), jobs[0].steps))
        for fitter, job in zip(fitters, jobs, strict=True):
            fitter.samples_seen += job.batches.seen
    else:
        for fitter, job in zip(fitters, jobs, strict=True):
            if job.steps:
                fitter.fit(job)
    return [finished(job.network, fitter.device) for fitter, job in zip(fitters, jobs, strict=True)]


def share_steps(jobs: Sequence[Job], watching: Sequence[pl.Callback]) -> bool:
    """Whether the jobs' steps may be one graph's: several, equally many and recordable, and nobody watches one network.

    A callback is shown the first network alone, and could stop all of them on its account. Steps that run from Python
    gain nothing beside each other, and their terms might draw from a generator that all would share.
    """
    from ownmark.loops.callbacks import Report
    from ownmark.loops.replaying import why_not_recorded

    even = len(jobs) > 1 and len({job.steps for job in jobs}) == 1
    shown = all(isinstance(callback, Report) for callback in watching)
    return even and shown and not any(map(why_not_recorded, jobs))


def _on_device(fitters: Sequence[Fitter], jobs: Sequence[Job]) -> bool:
    if not fitters or fitters[0].device.type != "cuda":
        return False
    watching = fitters[0].observers((), jobs[0].steps)
    steps = fitters[0].steps_on_device(jobs[0], watching)
    return steps and share_steps(jobs, watching) and not _draws(jobs[0])


def _draws(job: Job) -> bool:
    """Whether a step of the network draws from the device's own generator, whose numbers all networks would share."""
    device = job.batches.device
    generator = torch.cuda.default_generators[device.index or 0]
    former = generator.get_offset()
    trial, state = copy.deepcopy(job.network), job.batches.rng.get_state()
    with torch.no_grad():
        trial(job.batches.cut(torch.arange(2, device=device)).x)
    job.batches.rng.set_state(state)
    job.batches.seen = 0
    drawn: bool = generator.get_offset() != former
    return drawn
