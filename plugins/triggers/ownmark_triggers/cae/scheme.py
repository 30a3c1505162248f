"""Lukas, Zhang, Kerschbaum, "Deep Neural Network Fingerprinting by Conferrable Adversarial Examples", ICLR 2021.

Idea: search adversarial images that networks copied from the owner's inherit, and independent networks do not share.
Nothing is embedded; the released network is the host.
Threat model: black box; images and labels are secret.
Equations: Conf(x, t) = Surr(x)_t (1 - Ref(x)_t) is `search.conferrability`, the loss is `search.search_loss`.
Symbols: x' is `triggers` [N, C, H, W] in [0, 1]; `labels` [N] are the owner's network's answers.
Deviations: see the declaration in `__init__` and the method card.
Reported: all keys (APP paper, Table 11).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ownmark.contracts import (
    Batch,
    Fit,
    HostView,
    Key,
    Marked,
    Samples,
    Scheme,
    Task,
    Transform,
    outputs,
    predictions,
)
from ownmark.errors import NotApplicable
from ownmark_triggers.cae.config import CaeConfig
from ownmark_triggers.cae.search import Ensembles, fingerprints
from ownmark_triggers.carriers import draw_carriers

FEWEST = 5
"""Fewer keys than this cannot carry a verdict."""
CHUNK = 256
"""Images that are searched together."""


def usual_eps(height: int, width: int) -> float:
    """Largest change of a pixel, by image size: small images have few pixels to change."""
    return 0.025 if min(height, width) >= 32 else 0.15


def answered(network: nn.Module, mix: float, noise: float) -> Transform:
    """A batch transform: mixtures of the batch's images with noise, labelled by `network`; what a copy learns from.

    On images that the network knows by heart its answers are the true labels, and whoever learns only those is no
    copy but one more independent network.

    Args:
        mix: largest share of another image. noise: standard deviation.
    """

    def relabel(batch: Batch, rng: torch.Generator) -> Batch:
        x = batch.x
        other = torch.randperm(len(x), generator=rng, device=rng.device).to(x.device)
        share = mix * torch.rand((len(x), 1, 1, 1), generator=rng, device=rng.device).to(x.device)
        grain = noise * torch.randn(x.shape, generator=rng, device=rng.device).to(x.device)
        x = ((1 - share) * x + share * x[other] + grain).clamp(0, 1)
        return Batch(x, predictions(network, x), batch.index)

    return relabel


def doubtful(network: nn.Module, samples: Samples) -> Samples:
    """The samples that the network labels correctly, the least certain first."""
    certainty, answer = outputs(network, samples.x).softmax(1).to(samples.device).max(1)
    correct = samples.select(answer == samples.labels)
    return correct.select(certainty[answer == samples.labels].argsort(stable=True))


class Cae(Scheme):
    """Adversarial images as a fingerprint."""

    config: CaeConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """There must be a wrong label."""
        if task.classes < 2:
            raise NotApplicable("an adversarial image needs a wrong label, and the task has one class only")

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Draws the images the search starts from.

        Tensors: `carriers` (positions in the owner's data), and as yet `triggers` and `labels` of the first images
        themselves.
        """
        count = min(self.config.keys * self.config.pool, len(task.owner))
        places = draw_carriers(task.owner, torch.ones(len(task.owner), dtype=torch.bool), count, rng)
        first = task.owner.select(places[: self.config.keys])
        return Key("cae", {"carriers": places, "triggers": first.x, "labels": first.labels})

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train both ensembles and search; the network stays the trained host.

        Raises:
            NotApplicable: hardly any image is conferrable enough.
        """
        network = host.trained()
        models = self._ensembles(network, host, task, fit)
        tried = torch.arange(self.config.keys * self.config.candidates)
        start = doubtful(network, task.owner.select(key["carriers"]))
        start = start.select(tried[: len(start)])
        x, labels, scores = self._found(models, start, task, fit.rng)
        if len(x) < FEWEST:
            raise NotApplicable(
                f"{len(x)} conferrable images out of {len(start)} tried, at least {FEWEST} are needed; "
                "raise `eps`, `steps` or `candidates`, or lower `least`"
            )
        key = key.add({"triggers": x, "labels": labels})
        exhibits: dict[str, Tensor | float | str] = {
            "triggers": x[:8], "conferrability": float(scores.mean()), "keys": len(x),
        }  # fmt: skip
        return Marked(network, key, exhibits)

    def _ensembles(self, network: nn.Module, host: HostView, task: Task, fit: Fit) -> Ensembles:
        copied = answered(network, self.config.mix, self.config.noise)

        def train(*transforms: Transform) -> nn.Module:
            return fit(
                host.blank(fit.rng),
                task.owner,
                host.recipe,
                terms=host.terms,
                transforms=(*host.transforms, *transforms),
            )

        surrogates = [train(copied) for _ in range(self.config.surrogates)]
        references = [train() for _ in range(self.config.references)]
        return Ensembles(network, surrogates, references)

    def _found(
        self, models: Ensembles, start: Samples, task: Task, rng: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The best of as many chunks as it takes: images, labels, scores."""
        eps = usual_eps(*task.shape[1:]) if self.config.eps is None else self.config.eps
        parts: list[tuple[Tensor, Tensor, Tensor]] = []
        for places in torch.split(torch.arange(len(start), device=start.device), CHUNK):
            if sum(len(labels) for _, labels, _ in parts) < self.config.keys:
                part = start.select(places)
                parts.append(fingerprints(models, part.x, part.labels, eps, self.config, rng))
        if not parts:
            return start.x, start.labels, torch.zeros(0)
        x, labels, scores = (torch.cat(part) for part in zip(*parts, strict=True))
        best = scores.sort(descending=True, stable=True).indices[: self.config.keys]
        return x[best], labels[best], scores[best]
