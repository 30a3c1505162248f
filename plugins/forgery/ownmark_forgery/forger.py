"""What a forger is to a scheme: an owner whose trained host is the stolen network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import nn

from ownmark.contracts import (
    Extractor,
    HostView,
    Key,
    Recipe,
    Samples,
    Scheme,
    Stolen,
    Task,
    Term,
    Transform,
    WhiteBox,
    black_box,
    cross_entropy,
    predictions,
    seeded,
)
from ownmark.contracts.evidence import Evidence
from ownmark.errors import NotApplicable
from ownmark.stats import binomial_tail

RATE = 0.05
"""False-positive rate at which a forger claims."""

Access = Literal["white-box", "black-box"]


class IdleFit:
    """A `Fit` that trains nothing: with it, `embed` completes a key for a network and leaves the network alone."""

    def __init__(self, rng: torch.Generator) -> None:
        self.rng = rng

    def __call__(
        self,
        network: nn.Module,
        samples: Samples,
        recipe: Recipe,
        *,
        terms: Sequence[Term] = (),
        transforms: Sequence[Transform] = (),
        callbacks: Sequence[Any] = (),
        trains: Callable[[str], bool] | None = None,
    ) -> nn.Module:
        """The network as it came, in eval mode."""
        return network.eval()


def starts_from_stolen(scheme: Scheme) -> None:
    """Refuse a scheme that would train a network of its own.

    Raises:
        NotApplicable: with what to write into the plan.
    """
    if getattr(scheme.config, "start", "trained") != "trained":
        raise NotApplicable(
            "a forger starts from the stolen network: give the nested scheme `start: trained`"
        )


def host_view(stolen: Stolen, recipe: Recipe) -> HostView:
    """The stolen network as a trained host; a blank one is the same with every layer initialised anew."""

    def blank(rng: torch.Generator) -> nn.Module:
        network = stolen.copy()
        with seeded(rng):
            for module in network.modules():
                if callable(reset := getattr(module, "reset_parameters", None)):
                    reset()
        return network

    return HostView(stolen.copy, blank, recipe, (cross_entropy,))


def task_of(samples: Samples, shape: tuple[int, int, int], classes: int) -> Task:
    """The forger's images as the data of an owner."""
    return Task("forged", shape, classes, samples)


def labelled(stolen: Stolen, labels: str) -> Samples:
    """The attacker's images with the labels asked for.

    Raises:
        NotApplicable: the plan grants no images.
    """
    samples = stolen.images()
    if labels == "granted":
        return samples
    return samples.labelled(predictions(stolen.network, samples.x))


def view(network: nn.Module, access: Access) -> Any:
    """The network as an extractor is shown it."""
    return WhiteBox(network) if access == "white-box" else black_box(network)


def claim(evidence: Evidence) -> dict[str, float | str]:
    """The forger's verdict as exhibits: hits, n, and the exact binomial test where chance is known."""
    found: dict[str, float | str] = {"forged_hits": evidence.hits, "forged_n": evidence.n}
    if evidence.chance is None:
        return {**found, "forged_claim": "uncalibrated"}
    p_value = binomial_tail(evidence.hits, evidence.n, evidence.chance)
    return {**found, "forged_p_value": p_value, "forged_claim": float(p_value <= RATE)}


def exhibits(
    extractor: Extractor, network: nn.Module, access: Access, key: Key, held: Samples
) -> dict[str, float | str]:
    """The forger's verdict on `network`, and the rates that the extractor measures on the images `held`."""
    found = claim(extractor.extract(view(network, access), key))
    rates = extractor.measure(view(network, access), key, held)
    return found | {f"forged_{name}": rate.value for name, rate in rates.items()}
