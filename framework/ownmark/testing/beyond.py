"""Tiny tasks that are no images with classes: sentences, a generator, captions. Any method's subject, if it takes any.

A class of data and a host for each; `TASKS` pairs them. They learn in a second what there is to learn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.config import configuration
from ownmark.contracts import (
    Batch,
    Dataset,
    Form,
    Goal,
    Host,
    Images,
    Inputs,
    Recipe,
    Samples,
    Term,
    overriding,
)
from ownmark.contracts.tasks import Shape
from ownmark.errors import NotApplicable

_RECIPE = Recipe(
    epochs=6, batch_size=32, optimizer="adam", lr=0.01, momentum=0.9, weight_decay=0, schedule="constant"
)


@configuration
class HostConfig:
    """Parameters of the hosts here."""

    recipe: Annotated[Recipe, overriding(_RECIPE)] = _RECIPE
    """How they are trained."""


def _draw(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Sentences(Dataset):
    """Token ids: of three classes, each has words of its own in every sentence."""

    def load(self) -> Images:
        """240 sentences to train, 60 to test, of 10 out of 20 tokens."""
        return Images(self._part(240, 0), self._part(60, 1), 3, inputs=Inputs(Form.TOKENS, 20))

    def _part(self, count: int, seed: int) -> Samples:
        y = torch.arange(count) % 3
        common = torch.randint(1, 11, (count, 10), generator=_draw(seed))
        own = 11 + 3 * y[:, None] + torch.randint(3, (count, 10), generator=_draw(seed + 10))
        return Samples(torch.where(torch.arange(10) % 3 == 0, own, common), y)


class Reader(Host):
    """Classifies sentences by the mean of their words."""

    takes = Form.TOKENS

    def check(self, inputs: Inputs, shape: Shape, classes: int) -> None:
        """There are words for 64 tokens."""
        if inputs.tokens > 64:
            raise NotApplicable(f"it has words for 64 tokens, and the data have {inputs.tokens}")

    def build(self, shape: Shape, classes: int) -> nn.Module:
        """Embedding, mean, one hidden layer."""
        return _Reader(classes)


class _Reader(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.words = nn.Embedding(64, 16)
        self.hidden, self.last = nn.Linear(16, 32), nn.Linear(32, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Token ids [N, L] -> logits [N, classes]."""
        found: Tensor = self.last(self.hidden(self.words(x).mean(1)).relu())
        return found


class Bars(Dataset):
    """Pictures of 6 x 6 with one bright row; captions say which, in two ways."""

    def load(self) -> Images:
        """240 pictures to train, 60 to test; texts of 3 out of 10 tokens."""
        return Images(self._part(240, 0), self._part(60, 1), 10)

    def _part(self, count: int, seed: int) -> Samples:
        row = torch.arange(count) % 6
        x = 0.3 * torch.rand((count, 1, 6, 6), generator=_draw(seed))
        x[torch.arange(count), 0, row] += 0.7
        first = torch.stack([torch.ones_like(row), row + 2, torch.full_like(row, 8)], 1)
        return Samples(x, torch.stack([first, first[:, [2, 1, 0]]], 1))


class Painter(Host):
    """Makes pictures out of latent vectors, by matching the data's means and spreads of random projections."""

    goal = Goal.GENERATION
    utility = "fake-moments"

    def build(self, shape: Shape, classes: int) -> nn.Module:
        """Two linear layers and a sigmoid."""
        return _Painter(shape)

    def questions(self, test: Samples, rng: torch.Generator) -> Tensor:
        """Latents [N, 8]."""
        return torch.randn((len(test), 8), generator=rng)

    def terms(self) -> Sequence[Term]:
        """Energy distance of the batch to as many generated pictures."""
        return (energy_distance,)


def energy_distance(network: nn.Module, batch: Batch, step: int) -> Tensor:
    """2 E|x - g| - E|g - g'| between real pictures x and generated ones g."""
    made = network(torch.randn((len(batch.x), 8), device=batch.x.device)).flatten(1)
    real = batch.x.flatten(1)
    return 2 * torch.cdist(real, made).mean() - F.pdist(made).mean()


class _Painter(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.hidden, self.last = nn.Linear(8, 48), nn.Linear(48, int(torch.Size(shape).numel()))
        self.register_buffer("example_input_array", torch.zeros(2, 8), persistent=False)

    def forward(self, z: Tensor) -> Tensor:
        """Latents [N, 8] -> pixels [N, *shape] in [0, 1]."""
        made: Tensor = self.last(self.hidden(z).relu())
        return made.sigmoid().reshape(-1, *self.shape)


class Narrator(Host):
    """Captions pictures, three words at once."""

    goal = Goal.CAPTIONING
    utility = "fake-words"

    def build(self, shape: Shape, classes: int) -> nn.Module:
        """Flat pixels, one hidden layer, logits for each of three places."""
        return _Narrator(int(torch.Size(shape).numel()), classes)

    def terms(self) -> Sequence[Term]:
        """Cross entropy of the first reference's words."""
        return (first_reference,)


def first_reference(network: nn.Module, batch: Batch, step: int) -> Tensor:
    """Cross entropy [1] of each place's word in the first of the references."""
    assert isinstance(network, _Narrator)
    return F.cross_entropy(network.logits(batch.x).flatten(0, 1), batch.labels[:, 0].flatten())


class _Narrator(nn.Module):
    def __init__(self, pixels: int, tokens: int) -> None:
        super().__init__()
        self.hidden, self.last = nn.Linear(pixels, 48), nn.Linear(48, 3 * tokens)

    def logits(self, x: Tensor) -> Tensor:
        """Pixels [N, C, H, W] -> [N, 3, tokens]."""
        found: Tensor = self.last(self.hidden(x.flatten(1)).relu())
        return found.reshape(len(x), 3, -1)

    def forward(self, x: Tensor) -> Tensor:
        """Pixels [N, C, H, W] -> token ids [N, 3]."""
        return self.logits(x).argmax(2)


TASKS: Mapping[str, tuple[type[Dataset], type[Host]]] = {
    "sentences": (Sentences, Reader), "a generator": (Bars, Painter), "captions": (Bars, Narrator),
}  # fmt: skip
"""What a method that takes any task is tried on, beside pictures with classes."""


def host_of(name: str) -> Host:
    """The host of one of `TASKS`, with its recipe."""
    return TASKS[name][1](HostConfig())
