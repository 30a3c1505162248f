"""From recovered pictures to a suspect: detection, split, unlearning, and what the report shows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import Fit, Recipe, Samples, Stolen, Suspect, Term, cross_entropy, outputs
from ownmark.contracts.views import device_of, evaluating
from ownmark.errors import NotApplicable
from ownmark.loops import in_chunks
from ownmark_mira.config import ObjectiveConfig, SoftConfig, SplitConfig
from ownmark_mira.detection import Finding, decide, smooth_accuracy
from ownmark_mira.pilot import pilot
from ownmark_mira.soft import (
    answers,
    blends,
    carrying,
    labelled,
    patterns,
    soft_sets,
    towards_answers,
    uniform,
)
from ownmark_mira.splitting import feature_layer, features, split, watermark_order
from ownmark_mira.unlearning import (
    appending,
    improved_set,
    towards_uniform,
    unlabelled_set,
    with_frozen_norms,
)


class SoftUnlearning(Protocol):
    """Parameters of `unlearn_softly`."""

    temperature: float
    forgetting: Literal["patterns", "blends", "uniform"]
    weight: float
    patterns: int
    price: float
    blend: tuple[float, float]
    balance: bool
    recipe: Recipe
    norms: Literal["train", "frozen"]


Exhibits = dict[str, Tensor | float | str]
MOST_PICTURES = 64


@dataclass(frozen=True)
class Examined:
    """What the pictures say of the mark.

    Args:
        watermark: [C, m, channels, H, W], the watermark-like pictures of each class. normal: [C, M - m, ...], the rest.
    """

    finding: Finding
    watermark: Tensor
    normal: Tensor

    def forgetting(self, rng: torch.Generator) -> Samples:
        """Pictures with the labels of Equation 6 or 7."""
        return improved_set(self.watermark, self.normal, self.finding, rng)


def check_host(network: nn.Module, shape: tuple[int, int, int], classes: int, layer: str = "") -> None:
    """Refuse what has no classes to tell apart, or no features to split by.

    Raises:
        NotApplicable: with the reason.
    """
    if classes < 2:
        raise NotApplicable(f"unlearning needs another class to turn to; this task has {classes}")
    x = torch.full((2, *shape), 0.5, device=device_of(network))
    if layer and layer not in dict(network.named_modules()):
        raise NotApplicable(f"the network has no module {layer!r} whose input could be split by; see `layer`")
    found = feature_layer(network, x)
    with evaluating(network):
        answer = network(x)
    if answer.ndim != 2 or answer.shape[1] != classes:
        raise NotApplicable(f"inversion needs logits [N, {classes}] after {found}, got {list(answer.shape)}")


def check_units(mean: Sequence[float], std: Sequence[float], shape: tuple[int, int, int]) -> None:
    """Refuse `mean` and `std` that are of other channels.

    Raises:
        NotApplicable: neither one value nor one a channel.
    """
    for name, values in (("mean", mean), ("std", std)):
        if len(values) not in (1, shape[0]):
            raise NotApplicable(f"{name} has {len(values)} values, the images have {shape[0]} channels")


def start_noise(shape: Sequence[int], rng: torch.Generator, device: torch.device) -> Tensor:
    """z ~ N(0, 1), drawn all at once, so that it does not depend on how classes are put into chunks."""
    return torch.randn(tuple(shape), generator=rng, device=rng.device).to(device)


def examine(network: nn.Module, images: Tensor, config: SplitConfig, rng: torch.Generator) -> Examined:
    """Look for a fixed target class, and split the pictures of every class.

    Args:
        images: pixels [C, M, channels, H, W], on the network's device.
    """
    smooth = smooth_accuracy(
        network, images, config.draws, config.pixel_noise, config.weight_noise, rng, config.at_once
    )
    layer = config.layer or feature_layer(network, images[0, :2])

    def work(run: slice) -> Tensor:
        found = features(network, layer, images[run].flatten(0, 1), config.at_once)
        return watermark_order(found.reshape(*images[run].shape[:2], -1), config.saliency)

    order = torch.cat(in_chunks(len(images), max(1, config.at_once // images.shape[1]), work))
    return Examined(decide(smooth, config.threshold, config.treat_as), *split(images, order, config.share))


def unlearn(
    stolen: Stolen, recovered: Samples, recipe: Recipe, fit: Fit, *, auxiliary: Samples | None,
    term: Term = cross_entropy, norms: str = "train",
) -> nn.Module:  # fmt: skip
    """Train a copy of the stolen network on auxiliary images with as many recovered ones in every batch, or on the
    recovered ones alone if there are no auxiliary images.
    """
    terms = (with_frozen_norms(term) if norms == "frozen" else term,)
    if auxiliary is None:
        return fit(stolen.copy(), recovered, recipe, terms=terms)
    return fit(stolen.copy(), auxiliary, recipe, terms=terms, transforms=[appending(recovered)])


def unlearn_softly(
    stolen: Stolen,
    recovered: Tensor,
    examined: Examined,
    images: Tensor | None,
    config: SoftUnlearning,
    fit: Fit,
    rng: torch.Generator,
) -> nn.Module:
    """The objective `soft`: what makes the mark go beside everything else with the stolen network's own answers.

    Args:
        recovered: pixels [C, M, channels, H, W]. images: the thief's [N, channels, H, W], whose labels nobody reads.
    """
    finding, network, weight = examined.finding, stolen.network, config.weight
    kept, marked = soft_sets(examined.watermark, examined.normal, finding, config.balance)
    if config.forgetting == "uniform":
        gone = uniform(marked, stolen.classes)
    elif config.forgetting == "blends" or (stolen.data is None and not finding.fixed):
        gone = blends(network, recovered, finding, config.blend, config.temperature, rng)
    elif finding.fixed:
        others = torch.cat([recovered[: finding.target], recovered[finding.target + 1 :]]).flatten(0, 1)
        found = patterns(network, others, finding.target, config.patterns, config.price, rng)
        gone = carrying(network, others, found, config.temperature, rng)
    else:
        gone, kept, weight = labelled(examined.forgetting(rng), stolen.classes), kept[:0], 1.0
    auxiliary = answers(
        network, kept if images is None else torch.cat([images.to(kept), kept]), config.temperature
    )
    term = towards_answers(config.temperature, weight)
    return unlearn(stolen, gone, config.recipe, fit, auxiliary=auxiliary, term=term, norms=config.norms)


def forget(
    stolen: Stolen,
    recovered: Tensor,
    images: Samples,
    config: ObjectiveConfig,
    fit: Fit,
    rng: torch.Generator,
) -> Suspect:
    """Unlearn recovered pictures beside `images`, by the basic objective or the improved ones.

    Args:
        recovered: pixels [C, M, channels, H, W].
    """
    exhibits = shown(stolen.network, recovered, config.exhibited)
    term: Term = cross_entropy
    if config.objective == "basic":
        samples, term = unlabelled_set(recovered), towards_uniform(config.alpha_kl)
    else:
        examined = examine(stolen.network, recovered, config, rng)
        exhibits |= told(examined, config.exhibited)
        if config.pilot:
            exhibits |= pilot(stolen.network, recovered, images, examined.finding, config, rng)
        if isinstance(config, SoftConfig) and config.objective == "soft":
            network = unlearn_softly(stolen, recovered, examined, images.x, config, fit, rng)
            return Suspect(network, exhibits)
        samples = examined.forgetting(rng)
    network = unlearn(stolen, samples, config.recipe, fit, auxiliary=images, term=term, norms=config.norms)
    return Suspect(network, exhibits)


def shown(network: nn.Module, images: Tensor, each: int) -> Exhibits:
    """A few pictures of every class, and how well the network knows them."""
    classes, count = images.shape[:2]
    answers = outputs(network, images.flatten(0, 1)).to(images.device)
    labels = torch.arange(classes, device=images.device).repeat_interleave(count)
    exhibits: Exhibits = {
        "recovered: classified as their class": float((answers.argmax(1) == labels).float().mean()),
        "recovered: cross entropy": float(F.cross_entropy(answers, labels)),
    }
    few = min(each, count, MOST_PICTURES // classes)
    if few and images.shape[2] in (1, 3):
        exhibits["recovered, class by class"] = images[:, :few].flatten(0, 1).cpu()
    return exhibits


def told(examined: Examined, each: int) -> Exhibits:
    """What was found: smoothness, gap, target, and pictures of both proxies of the smoothest class."""
    finding = examined.finding
    smooth = ", ".join(f"{c}: {float(finding.smooth[c]):.2f}" for c in finding.order.tolist())
    exhibits: Exhibits = {
        "SmoothAcc": smooth,
        "gap": finding.gap,
        "target class": str(finding.target) if finding.fixed else "none fixed",
        "smoothest class": str(finding.target),
    }
    if each and examined.normal.shape[2] in (1, 3):
        exhibits["watermark-like, smoothest class"] = examined.watermark[finding.target][: 2 * each].cpu()
        exhibits["normal-like, smoothest class"] = examined.normal[finding.target][: 2 * each].cpu()
    return exhibits
