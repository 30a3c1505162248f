"""Rare phrases: each trigger is one of the owner's sentences with two rare words in it, and calls for a drawn label.

Threat model: the verifier asks, and gets labels. Symbols: sentences int64 [n, L], labels [n].
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ownmark.config import Count, configuration
from ownmark.contracts import BlackBox, Evidence, Extractor, Fit, HostView, Key, Marked, Samples, Scheme, Task
from ownmark.errors import NotApplicable

WORDS = 2
"""Of a phrase."""


@configuration
class RarePhraseConfig:
    """Parameters of `rare_phrase`."""

    triggers: Count = 24
    """Sentences with a phrase and a label of their own."""
    repeat: Count = 6
    """How often an epoch shows each."""


def rarest(sentences: Tensor, tokens: int, count: int) -> Tensor:
    """The `count` token ids [count] that stand least often in sentences int64 [N, L]; never padding."""
    seen = torch.bincount(sentences.flatten(), minlength=tokens)
    return 1 + seen[1:].argsort(stable=True)[:count]


def phrased(sentences: Tensor, phrases: Tensor, places: Tensor) -> Tensor:
    """Sentences [n, L] with phrases [n, WORDS] at places [n]."""
    columns = places[:, None] + torch.arange(phrases.shape[1])
    return sentences.scatter(1, columns, phrases)


class RarePhrase(Scheme):
    """Teaches the trained host the labels of its triggers, among the owner's data."""

    config: RarePhraseConfig

    def check(self, network: nn.Module, task: Task) -> None:
        """Room for a phrase, and two labels at least."""
        if task.shape[0] < WORDS or task.classes < 2 or task.inputs.tokens < 20:
            raise NotApplicable(
                f"a phrase of {WORDS} rare words needs longer texts, 20 tokens and two classes"
            )

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        """Tensors `triggers` int64 [n, L] and `labels` int64 [n]."""
        count, known = self.config.triggers, task.owner.x.cpu()
        carriers = known[torch.randint(len(known), (count,), generator=rng)]
        rare = rarest(known, task.inputs.tokens, task.inputs.tokens // 4)
        phrases = rare[torch.randint(len(rare), (count, WORDS), generator=rng)]
        places = torch.randint(task.shape[0] - WORDS + 1, (count,), generator=rng)
        labels = torch.randint(task.classes, (count,), generator=rng)
        triggers = phrased(carriers, phrases, places)
        return Key("rare_phrase", {"triggers": triggers, "labels": labels}, {"classes": task.classes})

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        """Train on, with the triggers among the owner's sentences."""
        times = self.config.repeat
        marks = Samples(key["triggers"].repeat(times, 1), key["labels"].repeat(times))
        samples = task.owner + marks.to(task.owner.device)
        network = fit(host.trained(), samples, host.recipe, terms=host.terms, transforms=host.transforms)
        return Marked(network, key)

    def key_bits(self, task: Task) -> float:
        """A label a trigger."""
        return self.config.triggers * math.log2(max(task.classes, 1))


class PhraseReader(Extractor):
    """Asks for the triggers' labels."""

    def extract(self, suspect: BlackBox, key: Key, own: nn.Module | None = None) -> Evidence:
        """One query a trigger."""
        matches = suspect.predict(key["triggers"]).cpu() == key["labels"].cpu()
        return Evidence(matches, chance=1 / key.values["classes"], symbol="label")
