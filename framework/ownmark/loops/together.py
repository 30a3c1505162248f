"""Several networks of one recipe, trained side by side on one GPU: null models, mostly."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import nn

from ownmark.contracts.fit import Recipe, cross_entropy
from ownmark.contracts.samples import Samples, Term, Transform
from ownmark.loops.fit import Fitter, finished
from ownmark.loops.graphs import Job


def fit_together(
    fitters: Sequence[Fitter],
    networks: Sequence[nn.Module],
    samples: Sequence[Samples],
    recipe: Recipe,
    *,
    terms: Sequence[Term] = (cross_entropy,),
    transforms: Sequence[Transform] = (),
) -> list[nn.Module]:
    """Train each network as its own fitter would alone, with the same weights to the bit.

    On a CUDA device, steps that can be recorded are recorded as one graph in which every network has a stream of its
    own: small networks leave most of a GPU idle, and share it so. Elsewhere, and for networks that draw random numbers
    themselves (dropout) or have more steps than others, one after the other.

    Args:
        fitters: one a network, all on one device. networks: of one architecture. samples: what each is trained on.
        recipe, terms, transforms: as for `Fit`, shared by all.
    """
    jobs = [
        fitter.job(network, images, recipe, terms, transforms)
        for fitter, network, images in zip(fitters, networks, samples, strict=True)
    ]
    if not jobs:
        return []
    first = fitters[0]
    watching = first.observers((), jobs[0].steps)
    even = len(jobs) > 1 and len({job.steps for job in jobs}) == 1
    if even and first.steps_on_device(jobs[0], watching) and not _draws(jobs[0]):
        with first.training():
            first.replay(jobs, watching)
        for fitter, job in zip(fitters, jobs, strict=True):
            fitter.samples_seen += job.batches.seen
    else:
        for fitter, job in zip(fitters, jobs, strict=True):
            fitter.fit(job)
    return [finished(job.network, first.device) for job in jobs]


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
