"""Encoder, attention, LSTM.

Symbols: pictures [N, 3, H, W] in [0, 1]; K places with C features each; hidden state h and cell c [N, H]; token ids
[N, L]; V words. The state enters cell and attention times `state_key` [H], which is 1 unless a mark says otherwise.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ownmark_generative.captioner.config import CaptionerConfig
from ownmark_generative.captions.words import END, PADDING, START, UNKNOWN

State = tuple[Tensor, Tensor]


def _block(channels: int, out: int) -> nn.Sequential:
    convolution = nn.Conv2d(channels, out, 3, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out), nn.ReLU(), nn.MaxPool2d(2))


class CaptionNetwork(nn.Module):
    """Gives token ids of pictures; `taught` gives what it is trained on."""

    forbidden: Tensor

    def __init__(self, channels: int, words: int, config: CaptionerConfig) -> None:
        super().__init__()
        width, hidden = config.width, config.hidden
        self.length, self.beam = config.length, config.beam
        self.encoder = nn.Sequential(
            _block(channels, width), _block(width, 2 * width), _block(2 * width, 4 * width)
        )
        self.start_hidden = nn.Sequential(nn.Linear(4 * width, hidden), nn.ReLU(), nn.Linear(hidden, hidden))
        self.start_cell = nn.Sequential(nn.Linear(4 * width, hidden), nn.ReLU(), nn.Linear(hidden, hidden))
        self.of_places = nn.Linear(4 * width, config.attention)
        self.of_state = nn.Linear(hidden, config.attention, bias=False)
        self.score = nn.Linear(config.attention, 1, bias=False)
        self.embedding = nn.Embedding(words, config.words)
        self.cell = nn.LSTMCell(config.words + 4 * width, hidden)
        self.dropout = nn.Dropout(config.dropout)
        self.last = nn.Linear(hidden + config.words + 4 * width, words)
        barred = torch.zeros(words)
        barred[[PADDING, START, UNKNOWN]] = -1e4
        self.register_buffer("forbidden", barred, persistent=False)
        self.state_key = nn.Parameter(torch.ones(hidden), requires_grad=False)

    def places(self, x: Tensor) -> Tensor:
        """Pictures -> features [N, K, C]."""
        found: Tensor = self.encoder(2 * x - 1)
        return found.flatten(2).transpose(1, 2)

    def started(self, places: Tensor) -> State:
        """The state before the first word."""
        mean = places.mean(1)
        return self.start_hidden(mean), self.start_cell(mean)

    def step(self, word: Tensor, state: State, places: Tensor, of_places: Tensor) -> tuple[Tensor, State]:
        """Logits [N, V] of the next word, and the state after `word` [N].

        Args:
            places: [N, K, C]. of_places: these as the attention compares them, [N, K, A].
        """
        hidden = state[0] * self.state_key
        scores = self.score((of_places + self.of_state(hidden)[:, None]).tanh())
        context = (scores.softmax(1) * places).sum(1)
        read = torch.cat([self.embedding(word), context], 1)
        state = self.cell(read, (hidden, state[1]))
        return self.last(self.dropout(torch.cat([state[0], read], 1))), state

    def taught(self, x: Tensor, texts: Tensor) -> Tensor:
        """Logits [N, L, V] of each word of texts [N, L], all earlier words given."""
        places = self.places(x)
        of_places, state = self.of_places(places), self.started(places)
        given = torch.cat([torch.full_like(texts[:, :1], START), texts[:, :-1]], 1)
        logits = []
        for word in given.unbind(1):
            found, state = self.step(word, state, places, of_places)
            logits.append(found)
        return torch.stack(logits, 1)

    def first_state(self, x: Tensor) -> Tensor:
        """The hidden state [N, H] after the first step."""
        places = self.places(x)
        word = torch.full((len(x),), START, dtype=torch.int64, device=x.device)
        return self.step(word, self.started(places), places, self.of_places(places))[1][0]

    def forward(self, x: Tensor) -> Tensor:
        """Pictures -> token ids int64 [N, L]; padding after the end."""
        return self.greedy(x) if self.beam == 1 else self.searched(x, self.beam)

    def greedy(self, x: Tensor) -> Tensor:
        """The likeliest word at each step."""
        places = self.places(x)
        of_places, state = self.of_places(places), self.started(places)
        word = torch.full((len(x),), START, dtype=torch.int64, device=x.device)
        words = []
        for _ in range(self.length):
            logits, state = self.step(word, state, places, of_places)
            word = (logits + self.forbidden).argmax(1)
            words.append(word)
        return ended(torch.stack(words, 1))

    def searched(self, x: Tensor, width: int) -> Tensor:
        """The likeliest of `width` texts that are kept at each step; ended ones keep their likelihood."""
        count = len(x)
        places = self.places(x).repeat_interleave(width, 0)
        of_places, state = self.of_places(places), self.started(places)
        word = torch.full((count * width,), START, dtype=torch.int64, device=x.device)
        texts = word.new_zeros((count * width, 0))
        likely = torch.full((count, width), -torch.inf, device=x.device)
        likely[:, 0] = 0
        over = torch.zeros(count * width, dtype=torch.bool, device=x.device)
        for _ in range(self.length):
            logits, state = self.step(word, state, places, of_places)
            gain = (logits + self.forbidden).log_softmax(1)
            gain[over] = -torch.inf
            gain[over, PADDING] = 0
            likely, chosen = (likely[:, :, None] + gain.unflatten(0, (count, width))).flatten(1).topk(width)
            rows = (chosen // gain.shape[1] + width * torch.arange(count, device=x.device)[:, None]).flatten()
            word = (chosen % gain.shape[1]).flatten()
            texts = torch.cat([texts[rows], word[:, None]], 1)
            state, over = (state[0][rows], state[1][rows]), over[rows] | (word == END)
        best = likely.argmax(1) + width * torch.arange(count, device=x.device)
        return ended(texts[best])


def ended(texts: Tensor) -> Tensor:
    """Texts [N, L] with padding after their end."""
    after = (texts == END).int().cumsum(1) - (texts == END).int() > 0
    return texts.masked_fill(after, PADDING)
