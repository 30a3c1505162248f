"""Thin recurrent networks and transformers, written for these tests."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from tests.plugins.invariance.cases import case, images
from tests.plugins.invariance.convolutional import cbr
from torch import Tensor, nn


class _Captioner(nn.Module):
    """Image features start an LSTM cell that runs for three words."""

    def __init__(self) -> None:
        super().__init__()
        self.cnn = nn.Sequential(cbr(3, 12), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.h0, self.c0 = nn.Linear(12, 16), nn.Linear(12, 16)
        self.words, self.cell, self.out = nn.Embedding(20, 14), nn.LSTMCell(14, 16), nn.Linear(16, 20)

    def forward(self, x: Tensor, words: Tensor) -> Tensor:
        features = self.cnn(x)
        h, c = self.h0(features), self.c0(features)
        scores = []
        for step in range(3):
            h, c = self.cell(self.words(words[:, step]), (h, c))
            scores.append(self.out(h))
        return torch.stack(scores, 1)


@case("lstm_captioner", lambda: (images()(), torch.arange(9).view(3, 3)), convolutional=False)
def captioner() -> nn.Module:
    return _Captioner()


class _Recurrent(nn.Module):
    def __init__(self, kind: type[nn.Module], **more) -> None:
        super().__init__()
        self.words = nn.Embedding(20, 12)
        self.body = kind(12, 10, num_layers=2, batch_first=True, bidirectional=True, **more)
        self.out = nn.Linear(20, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.body(self.words(x))[0][:, -1])


def words() -> Tensor:
    return torch.arange(24).view(4, 6) % 20


case("gru", words, convolutional=False)(lambda: _Recurrent(nn.GRU))
case("lstm", words, convolutional=False)(lambda: _Recurrent(nn.LSTM))
case("rnn", words, convolutional=False)(lambda: _Recurrent(nn.RNN))


class _Cell(nn.Module):
    """A GRU cell written out over zeros, with a tied embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.cell = nn.Embedding(20, 12), nn.GRUCell(12, 12)
        self.project, self.out = nn.Linear(12, 12), nn.Linear(12, 20, bias=False)
        self.out.weight = self.words.weight

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(4, 12, dtype=self.words.weight.dtype)
        for step in range(3):
            h = self.cell(self.words(x[:, step]), h)
        return self.out(torch.tanh(self.project(h)))


case("gru_cell_tied", words, convolutional=False)(_Cell)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, fused: bool) -> None:
        super().__init__()
        self.qkv, self.out, self.heads, self.fused = (
            nn.Linear(width, 3 * width),
            nn.Linear(width, width),
            heads,
            fused,
        )

    def forward(self, x: Tensor) -> Tensor:
        b, n, d = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = ((q * (d // self.heads) ** -0.5) @ k.transpose(-2, -1)).softmax(dim=-1) @ v
        return self.out(y.transpose(1, 2).reshape(b, n, d))


class TransformerBlock(nn.Module):
    def __init__(
        self, width: int, attention: nn.Module, norm: Callable[[int], nn.Module] = nn.LayerNorm
    ) -> None:
        super().__init__()
        self.n1, self.n2, self.attention = norm(width), norm(width), attention
        self.mlp = nn.Sequential(nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width))
        self.gamma = nn.Parameter(torch.linspace(0.5, 1.5, width))

    def forward(self, x: Tensor) -> Tensor:
        y = self.n1(x)
        y = (
            self.attention(y, y, y)[0]
            if isinstance(self.attention, nn.MultiheadAttention)
            else self.attention(y)
        )
        x = x + self.gamma * y
        return x + self.mlp(self.n2(x))


class _ViT(nn.Module):
    def __init__(self, norm: Callable[[int], nn.Module] = nn.LayerNorm) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 24, 4, 4)
        self.cls = nn.Parameter(torch.randn(1, 1, 24))
        self.pos = nn.Parameter(torch.randn(1, 17, 24))
        kinds = [
            Attention(24, 4, True),
            Attention(24, 3, False),
            nn.MultiheadAttention(24, 2, batch_first=True),
        ]
        self.blocks = nn.Sequential(*(TransformerBlock(24, kind, norm) for kind in kinds))
        self.norm, self.head = norm(24), nn.Linear(24, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], dim=1) + self.pos
        return self.head(self.norm(self.blocks(x))[:, 0])


case("vit", convolutional=False)(_ViT)
case("vit_rms_norm", convolutional=False)(lambda: _ViT(nn.RMSNorm))


def sequence() -> Tensor:
    return torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(5))


@case("transformer_layers", sequence, convolutional=False)
def transformer_layers() -> nn.Module:
    """torch's own layer, norm after and before."""
    layers = [
        nn.TransformerEncoderLayer(12, 3, 20, batch_first=True, norm_first=first) for first in (False, True)
    ]
    return nn.Sequential(nn.Linear(8, 12), *layers, nn.Linear(12, 4))


class _Gated(nn.Module):
    """A gated MLP with a hand-written scale and a maximum over tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.gate, self.up, self.down = (
            nn.Linear(8, 12),
            nn.Linear(12, 20),
            nn.Linear(12, 20),
            nn.Linear(20, 6),
        )
        self.scale = nn.Parameter(torch.linspace(-1, 1, 20))
        self.norm = nn.RMSNorm(12)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.inner(x))
        return self.down((F.silu(self.gate(x)) * self.up(x) * self.scale).amax(1))


case(
    "gated_mlp", lambda: torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(5)), convolutional=False
)(_Gated)
