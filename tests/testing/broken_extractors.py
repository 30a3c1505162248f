"""Extractors with one fault each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from tests.testing.broken import WHITE, black_reader, white_reader
from torch import Tensor, nn

from ownmark.contracts import BlackBox, Evidence, Key, WhiteBox
from ownmark.errors import NotApplicable
from ownmark.methods import Need
from ownmark.testing.fakes import SignReader, TriggerReader


class Trainer(SignReader):
    """Leaves the suspect in train mode."""

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        suspect.network.train()
        return super().extract(suspect, key, own)


class Floating(SignReader):
    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        found = super().extract(suspect, key, own)
        return replace(found, matches=found.matches.float())


class Impossible(SignReader):
    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        return replace(super().extract(suspect, key, own), chance=0.0)


class Reversed(SignReader):
    def extract_many(
        self, suspect: WhiteBox, keys: Sequence[Key], own: nn.Module | None = None
    ) -> list[Evidence]:
        return super().extract_many(suspect, keys, own)[::-1]


class CopyEater(SignReader):
    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        assert own is not None
        next(own.parameters()).data.zero_()
        return super().extract(suspect, key, own)


class Trusting(SignReader):
    """Takes every suspect for one of its own kind."""

    def extract(self, suspect: WhiteBox, key: Key, own: nn.Module | None = None) -> Evidence:
        next(suspect.network.parameters())
        return super().extract(suspect, key, own)


class Backdoor(TriggerReader):
    """Asks past the counter."""

    def extract(self, suspect: BlackBox, key: Key, own: nn.Module | None = None) -> Evidence:
        answer = suspect._answer(key["triggers"])
        labels = answer.argmax(1) if answer.ndim == 2 else answer
        return Evidence(labels == key["labels"], chance=0.1, symbol="label")


class Oracle(TriggerReader):
    """Asks nobody."""

    def extract(self, suspect: BlackBox, key: Key, own: nn.Module | None = None) -> Evidence:
        return Evidence(torch.ones(len(key["labels"]), dtype=torch.bool), chance=0.1, symbol="label")


class Silent(TriggerReader):
    """Takes a refusal for a wrong answer."""

    def extract(self, suspect: BlackBox, key: Key, own: nn.Module | None = None) -> Evidence:
        try:
            labels = suspect.probabilities(key["triggers"]).argmax(1)
        except NotApplicable:
            labels = torch.full_like(key["labels"], -1)
        return Evidence(labels == key["labels"], chance=0.1, symbol="label")


class Overexposed(SignReader):
    """Shows pixels beyond white."""

    def exhibits(self, suspect: WhiteBox, key: Key) -> dict[str, Tensor]:  # type: ignore[override]
        return {"bits": torch.full((1, 1, 4, 4), 255.0)}


class Flat(SignReader):
    """Shows a row of numbers."""

    def exhibits(self, suspect: WhiteBox, key: Key) -> dict[str, Tensor]:  # type: ignore[override]
        return {"bits": torch.zeros(8)}


white_reader("extractor-changes-nothing", "the suspect", Trainer)
white_reader("extractor-evidence-is-sound", "torch.float32", Floating)
white_reader("extractor-evidence-is-sound", "chance is 0.0", Impossible)
white_reader("extractor-reads-many-as-one", "disagree", Reversed)
white_reader(
    "extractor-leaves-the-owners-copy-alone", "owner's copy", CopyEater, needs=WHITE | {Need.OWN_COPY}
)
white_reader("extractor-exhibits-are-pictures", "exhibit bits is no picture", Overexposed)
white_reader("extractor-exhibits-are-pictures", "exhibit bits is no picture", Flat)
white_reader("extractor-survives-strangers", "StopIteration", Trusting)
black_reader("extractor-counts-its-queries", "12 images were answered and 0 counted", Backdoor)
black_reader("extractor-counts-its-queries", "never queries", Oracle)
black_reader("extractor-works-with-labels-only", "something else", Silent)
black_reader("extractor-respects-the-budget", "without a single query", Silent)
