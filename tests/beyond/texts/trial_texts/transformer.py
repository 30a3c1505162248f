"""A small transformer on token ids."""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.config import Count, configuration
from ownmark.contracts import Form, Host, Inputs, Recipe, overriding
from ownmark.errors import NotApplicable

_RECIPE = Recipe(
    epochs=12, batch_size=50, optimizer="adam", lr=3e-3, momentum=0.9, weight_decay=0, schedule="cosine"
)


@configuration
class TransformerConfig:
    """Parameters of `transformer`."""

    vocabulary: Count = 100
    """Token ids that it has words for."""
    width: Count = 32
    """Size of a word's vector; a multiple of the heads."""
    heads: Count = 4
    """Of the attention."""
    blocks: Count = 2
    """Attention and feed-forward, this many times."""
    recipe: Annotated[Recipe, overriding(_RECIPE)] = _RECIPE
    """How it is trained."""


class Block(nn.Module):
    """Self-attention and a feed-forward part, both around a shortcut and after a LayerNorm."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[N, L, width] -> the same."""
        q, k, v = self.qkv(self.norm1(x)).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        seen = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        x = x + self.out(seen)
        return x + self.down(self.up(self.norm2(x)).relu())


class Transformer(nn.Module):
    """Words and places, blocks, the mean over places, one linear layer."""

    def __init__(self, length: int, classes: int, config: TransformerConfig) -> None:
        super().__init__()
        self.words = nn.Embedding(config.vocabulary, config.width, padding_idx=0)
        self.places = nn.Parameter(0.02 * torch.randn(length, config.width))
        self.blocks = nn.Sequential(*(Block(config.width, config.heads) for _ in range(config.blocks)))
        self.norm, self.last = nn.LayerNorm(config.width), nn.Linear(config.width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Token ids int64 [N, L] -> logits [N, classes]."""
        found: Tensor = self.last(self.norm(self.blocks(self.words(x) + self.places)).mean(1))
        return found


class TransformerHost(Host):
    """Builds it."""

    config: TransformerConfig
    takes = Form.TOKENS

    def check(self, inputs: Inputs, shape: tuple[int, ...], classes: int) -> None:
        """The vocabulary must hold the data's tokens."""
        if inputs.tokens > self.config.vocabulary:
            raise NotApplicable(
                f"its vocabulary has {self.config.vocabulary} tokens, and the data have {inputs.tokens}; raise "
                "`vocabulary`"
            )

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """See `Host.build`; shape is the length of a text."""
        return Transformer(shape[0], classes, self.config)
