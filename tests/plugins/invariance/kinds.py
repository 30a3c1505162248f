"""Minimal networks of every kind that once was wrong or missed, two members and more each."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from tests.plugins.invariance.convolutional import Head, cbr
from torch import Tensor, nn

Example = Callable[[], Tensor | tuple[Tensor, ...]]
KINDS: dict[str, tuple[Callable[[], nn.Module], Example, float]] = {}
"""Name -> network, input, and the share of the weights that must be within reach."""


def noise(*shape: int) -> Callable[[], Tensor]:
    return lambda: torch.randn(*shape, generator=torch.Generator().manual_seed(5))


SQUARES = noise(2, 3, 8, 8)


def kind(name: str, example: Example = SQUARES, least: float = 0.9):
    def enter(build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
        KINDS[name] = (build, example, least)
        return build

    return enter


# norms as functions, and subclasses of norms with a forward of their own


class NormAct(nn.BatchNorm2d):
    def forward(self, x: Tensor) -> Tensor:
        mean, var = self.running_mean, self.running_var
        return torch.relu(F.batch_norm(x, mean, var, self.weight, self.bias, False, 0.1, self.eps))


class GroupNormAct(nn.GroupNorm):
    def forward(self, x: Tensor) -> Tensor:
        return F.silu(F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps))


class LayerNorm2d(nn.LayerNorm):
    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps).permute(0, 3, 1, 2)


def with_norm(norm: Callable[[int], nn.Module]) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 16, 3), norm(16), nn.Conv2d(16, 24, 3), norm(24), Head(24))


kind("norm: batch, own forward")(lambda: with_norm(NormAct))
kind("norm: group, own forward")(lambda: with_norm(lambda n: GroupNormAct(4, n)))
kind("norm: layer, channels last")(lambda: with_norm(LayerNorm2d))

# masks that differ from head to head, in buffers and tables


class Heads(nn.Module):
    """Self-attention over 6 tokens of 16 features in 4 heads, with a subclass's bias on the scores."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.qkv, self.out = nn.Linear(5, 16), nn.Linear(16, 48), nn.Linear(16, 16)
        self.head = nn.Linear(16, 7)
        self.prepare()

    def prepare(self) -> None:
        pass

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return self.weigh(q @ k.transpose(-1, -2) / 2).softmax(-1) @ v

    def weigh(self, scores: Tensor) -> Tensor:
        return scores

    def forward(self, x: Tensor) -> Tensor:
        x = self.inside(x)
        q, k, v = self.qkv(x).reshape(*x.shape[:2], 3, 4, 4).permute(2, 0, 3, 1, 4)
        x = x + self.out(self.attend(q, k, v).transpose(1, 2).flatten(2))
        return self.head(x.mean(1))


TOKENS = noise(2, 6, 5)
DISTANCE = (torch.arange(6)[:, None] - torch.arange(6)[None, :]).abs()


@kind("mask: slopes in a buffer", TOKENS)
class Slopes(Heads):
    def prepare(self) -> None:
        self.register_buffer("slopes", 2.0 ** -torch.arange(1.0, 5.0))

    def weigh(self, scores: Tensor) -> Tensor:
        return scores - self.slopes[:, None, None] * DISTANCE.to(scores)


@kind("mask: slopes given to the function", TOKENS)
class FunctionMask(Slopes):
    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        bias = -self.slopes[None, :, None, None] * DISTANCE.to(q)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias)


@kind("mask: truth values given to the function", TOKENS)
class WindowMask(Heads):
    def prepare(self) -> None:
        self.register_buffer("near", DISTANCE[None] <= torch.arange(1, 5)[:, None, None])

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=self.near)


@kind("mask: masked_fill by a buffer", TOKENS)
class FilledMask(WindowMask):
    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return Heads.attend(self, q, k, v)

    def weigh(self, scores: Tensor) -> Tensor:
        return scores.masked_fill(~self.near, float("-inf"))


@kind("mask: where by a buffer", TOKENS)
class ChosenMask(FilledMask):
    def weigh(self, scores: Tensor) -> Tensor:
        return torch.where(self.near, scores, torch.tensor(-1e4))


@kind("mask: a table of parameters, indexed", TOKENS)
class Table(Heads):
    def prepare(self) -> None:
        self.table = nn.Parameter(torch.randn(6, 4))
        self.register_buffer("places", DISTANCE.flatten())

    def weigh(self, scores: Tensor) -> Tensor:
        return scores + self.table[self.places].view(6, 6, 4).permute(2, 0, 1)[None]


@kind("mask: a table in a buffer, indexed", TOKENS)
class BufferTable(Table):
    def prepare(self) -> None:
        self.register_buffer("table", torch.randn(6, 4))
        self.register_buffer("places", DISTANCE.flatten())


@kind("mask: the same for all heads", TOKENS)
class SharedMask(Heads):
    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        causal = torch.ones(6, 6, dtype=torch.bool).tril().expand(1, 4, 6, 6)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=causal)


class Masked3d(nn.Module):
    """nn.MultiheadAttention with a mask for each head."""

    def __init__(self, per_head: bool = True) -> None:
        super().__init__()
        self.inside, self.attention = nn.Linear(5, 16), nn.MultiheadAttention(16, 4, batch_first=True)
        self.head = nn.Linear(16, 7)
        slopes = 2.0 ** -torch.arange(1.0, 5.0) if per_head else torch.ones(4)
        self.register_buffer("mask", -(slopes[:, None, None] * DISTANCE).repeat(2, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.inside(x)
        return self.head(self.attention(x, x, x, attn_mask=self.mask)[0].mean(1))


kind("mask: three dimensions", TOKENS)(Masked3d)
kind("mask: three dimensions, all alike", TOKENS)(lambda: Masked3d(per_head=False))


class Channels(nn.Module):
    """Something that tells channels apart, between two convolutions."""

    def __init__(self, between: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.a, self.between, self.b = cbr(3, 16), between, nn.Sequential(cbr(16, 24), Head(24))

    def forward(self, x: Tensor) -> Tensor:
        return self.b(self.between(self.a(x)))


HALF = (torch.arange(16) % 2 == 0).reshape(1, 16, 1, 1)
kind("mask: channels, masked_fill", least=0.8)(lambda: Channels(lambda x: x.masked_fill(HALF, 0)))
kind("mask: channels, product", least=0.8)(lambda: Channels(lambda x: x * (1 + HALF.to(x))))
kind("mask: channels, where", least=0.8)(lambda: Channels(lambda x: torch.where(HALF, x, x.mean())))
kind("mask: channels, setitem", least=0.8)(lambda: Channels(lambda x: written(x.clone(), HALF.flatten())))


def written(x: Tensor, places: Tensor) -> Tensor:
    x[:, places] = 0.5
    return x


# buffers that the code reads


class Coordinates(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("xy", torch.rand(1, 2, 8, 8))
        self.body = nn.Sequential(cbr(5, 16), Head(16))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(torch.cat([x, self.xy.expand(x.shape[0], -1, -1, -1)], 1))


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("factor", torch.tensor(0.7))
        self.register_buffer("on", torch.tensor(True))
        self.a, self.b = cbr(3, 16), Head(16)

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x)
        return self.b(x * self.factor if self.on else x)


kind("buffer: expanded by the batch")(Coordinates)
kind("buffer: in a condition")(Scaled)

# layouts and residual orders


class Mixer(nn.Module):
    """One block of MLP-Mixer: 16 tokens, 24 channels."""

    def __init__(self, order: str = "transpose") -> None:
        super().__init__()
        self.order = order
        self.stem, self.n1, self.n2 = nn.Conv2d(3, 24, 2, 2), nn.LayerNorm(24), nn.LayerNorm(24)
        self.tokens = nn.Sequential(nn.Linear(16, 8), nn.GELU(), nn.Linear(8, 16))
        self.channels = nn.Sequential(nn.Linear(24, 96), nn.GELU(), nn.Linear(96, 24))
        self.head = nn.Linear(24, 7)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).flatten(2).transpose(1, 2)
        turned = self.n1(x).permute(0, 2, 1) if self.order == "permute" else self.n1(x).mT
        x = x + self.tokens(turned).transpose(1, 2)
        x = x + self.channels(self.n2(x))
        return self.head(x.mean(1))


kind("residual: mixer")(Mixer)
kind("residual: mixer, permuted")(lambda: Mixer("permute"))


class Gated(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim, self.a, self.head = dim, cbr(3, 32), Head(16)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.glu(self.a(x), self.dim))


kind("glu: function")(lambda: Gated(1))
kind("glu: module")(lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 64), nn.GLU(), nn.Linear(32, 7)))
kind("glu: negative dimension")(lambda: Gated(-3))
kind("layout: reshape_as")(lambda: Channels(lambda x: x.flatten(2).reshape_as(x)))
kind("layout: view_as")(lambda: Channels(lambda x: torch.relu(x.flatten(1)).view_as(x)))
kind("where: rectifier")(lambda: Channels(lambda x: torch.where(x > 0, x, torch.zeros_like(x))))
kind("where: leaky")(lambda: Channels(lambda x: torch.where(x > 0, x, 0.1 * x)))
kind("where: of a mask of places")(
    lambda: Channels(lambda x: torch.where(x.mean(1, keepdim=True) > 0.1, x, -x))
)

# weights that are computed


class Equalised(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * 0.3, self.bias)


class Halved(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight / 2, self.bias)


class Standardised(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        flat = self.weight.reshape(1, self.out_channels, -1)
        w = F.batch_norm(flat, None, None, training=True, momentum=0.0).reshape_as(self.weight)
        return F.conv2d(x, w, self.bias, self.stride)


class Tied(nn.Module):
    """An autoencoder that reads its weight twice, once turned."""

    def __init__(self, turn: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.turn, self.a, self.head = turn, nn.Linear(12, 20), nn.Linear(12, 7)
        self.first = nn.Linear(5, 12)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.first(x))
        return self.head(F.linear(torch.relu(self.a(x)), self.turn(self.a.weight)))


kind("weight: times a constant")(
    lambda: nn.Sequential(Equalised(3, 16, 3), nn.ReLU(), Equalised(16, 24, 3), Head(24))
)
kind("weight: over a constant", noise(3, 6))(lambda: nn.Sequential(Halved(6, 16), nn.ReLU(), Halved(16, 7)))
kind("weight: standardised")(
    lambda: nn.Sequential(Standardised(3, 16, 3), nn.ReLU(), Standardised(16, 24, 3), Head(24))
)
kind("weight: tied, t()", noise(3, 5))(lambda: Tied(lambda w: w.t()))
kind("weight: tied, transpose", noise(3, 5))(lambda: Tied(lambda w: w.transpose(0, 1)))
kind("weight: tied, T", noise(3, 5))(lambda: Tied(lambda w: w.T))

# torch's own transformers


class Wrapped(nn.Module):
    """A transformer of torch between two linear layers."""

    def __init__(self, inner: nn.Module, pairs: bool) -> None:
        super().__init__()
        self.a, self.inner, self.b, self.pairs = nn.Linear(5, 16), inner, nn.Linear(16, 7), pairs

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x)
        return self.b((self.inner(x, x.flip(1)) if self.pairs else self.inner(x)).mean(1))


def layer(cls: type[nn.Module], **more: object) -> nn.Module:
    return cls(16, 4, 24, batch_first=True, **more)


kind("transformer: encoder", TOKENS)(
    lambda: Wrapped(nn.TransformerEncoder(layer(nn.TransformerEncoderLayer), 2), pairs=False)
)
kind("transformer: decoder", TOKENS)(
    lambda: Wrapped(nn.TransformerDecoder(layer(nn.TransformerDecoderLayer, norm_first=True), 2), pairs=True)
)
kind("transformer: both", TOKENS)(
    lambda: Wrapped(nn.Transformer(16, 4, 1, 1, 24, batch_first=True), pairs=True)
)


class Cross(nn.Module):
    """Queries, keys and values of widths of their own."""

    def __init__(self, **more: object) -> None:
        super().__init__()
        self.q, self.k, self.v = nn.Linear(5, 16), nn.Linear(5, 12), nn.Linear(5, 20)
        self.attention = nn.MultiheadAttention(16, 4, kdim=12, vdim=20, batch_first=True, **more)
        self.head = nn.Linear(16, 7)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.attention(self.q(x), self.k(x), self.v(x))[0].mean(1))


kind("attention: other sizes", TOKENS)(Cross)
kind("attention: other sizes, bias of keys", TOKENS)(lambda: Cross(add_bias_kv=True))

# code that is steered by values


class Steered(nn.Module):
    """Two stages of convolutions, with something in the root's own code between them."""

    def __init__(self, between: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.a, self.between = nn.Sequential(cbr(3, 16), cbr(16, 24), cbr(24, 24)), between
        self.b = nn.Sequential(cbr(24, 24), cbr(24, 24), Head(24))

    def forward(self, x: Tensor) -> Tensor:
        return self.b(self.between(self.a(x)))


def clamped(x: Tensor) -> Tensor:
    return x / x.amax() if x.mean() > 0.5 else 2 * x


def rounds(x: Tensor) -> Tensor:
    for _ in range(1 + int(x.mean() > 0.1)):
        x = torch.relu(x - 0.1)
    return x


def silenced(x: Tensor) -> Tensor:
    x = x.clone()
    x[:, :, 0] = 0
    return x


def copied(x: Tensor) -> Tensor:
    out = torch.zeros_like(x)
    out[:, :12], out[:, 12:] = x[:, 12:], x[:, :12]
    return out


kind("flow: a condition")(lambda: Steered(clamped))
kind("flow: a loop", least=0.85)(lambda: Steered(rounds))
kind("flow: a number", least=0.85)(lambda: Steered(lambda x: x * float(x.mean() > 0)))
kind("flow: positions overwritten")(lambda: Steered(silenced))
kind("flow: channels overwritten")(lambda: Steered(copied))


class Rectified(nn.Module):
    def __init__(self, cls: type[nn.Module]) -> None:
        super().__init__()
        self.rnn, self.head = (
            cls(5, 16, nonlinearity="relu", **({"batch_first": True} if cls is nn.RNN else {})),
            nn.Linear(16, 7),
        )

    def forward(self, x: Tensor) -> Tensor:
        if isinstance(self.rnn, nn.RNN):
            return self.head(self.rnn(x)[0][:, -1])
        h = torch.zeros(x.shape[0], 16, dtype=x.dtype)
        for t in range(3):
            h = self.rnn(x[:, t], h)
        return self.head(h)


kind("recurrent: rectified", TOKENS)(lambda: Rectified(nn.RNN))
kind("recurrent: rectified cell", TOKENS)(lambda: Rectified(nn.RNNCell))

# functions of torch that call themselves through a helper of torch


class Made(nn.Module):
    """A map that the network makes of the size of its input, added to what a convolution gives."""

    def __init__(self, make: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Conv2d(3, 12, 3), nn.Conv2d(12, 16, 3), Head(16)
        self.make = make

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.first(x))
        side = torch.arange(x.shape[-1], dtype=x.dtype, device=x.device) / 10
        return self.head(torch.relu(self.second(x * (1 + self.make(side)))))


kind("itself: meshgrid")(lambda: Made(lambda side: sum(torch.meshgrid(side, side, indexing="ij"))))
kind("itself: unique")(lambda: Made(lambda side: torch.unique(side.floor(), return_inverse=True)[1].to(side)))
kind("itself: cartesian product")(
    lambda: Made(lambda side: torch.cartesian_prod(side, side).sum(1).view(6, 6))
)

# biases that are put together out of several


class JoinedBias(nn.Module):
    """Queries and values have a bias, keys have zeros in a buffer (BEiT, EVA, Swin v2)."""

    def __init__(self, heads: int = 2, width: int = 16) -> None:
        super().__init__()
        self.heads, self.read, self.head = heads, nn.Linear(5, width), nn.Linear(width, 7)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.q_bias, self.v_bias = nn.Parameter(torch.randn(width)), nn.Parameter(torch.randn(width))
        self.register_buffer("k_bias", torch.zeros(width), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.read(x)
        joined = torch.cat((self.q_bias, self.k_bias, self.v_bias))
        q, k, v = (
            F.linear(x, self.qkv.weight, joined).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        )
        return self.head((x + F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)).mean(1))


class HalvesWithBias(nn.Module):
    """Two halves of a convolution's filters with a bias each."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.3 * torch.randn(16, 3, 3, 3))
        self.left, self.right = nn.Parameter(torch.randn(8)), nn.Parameter(torch.randn(8))
        self.second, self.head = nn.Conv2d(16, 16, 3), Head(16)

    def forward(self, x: Tensor) -> Tensor:
        joined = torch.cat((self.left, self.right))
        return self.head(torch.relu(self.second(torch.relu(F.conv2d(x, self.weight, joined)))))


kind("bias: joined with zeros", TOKENS)(JoinedBias)
kind("bias: two halves")(HalvesWithBias)


# slices with nothing in them, and bounds in tensors


class Between(nn.Module):
    """Something happens between two layers."""

    def __init__(self, what: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Conv2d(3, 12, 3), nn.Conv2d(12, 16, 3), Head(16)
        self.register_buffer("bound", torch.tensor(0.7))
        self.what = what

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.relu(self.second(self.what(torch.relu(self.first(x))))))


class Capped(Between):
    """Clamped to what a buffer holds."""

    def __init__(self, **bounds: float) -> None:
        super().__init__(nn.Identity())
        self.bounds = bounds

    def forward(self, x: Tensor) -> Tensor:
        bounds = {name: factor * self.bound for name, factor in self.bounds.items()}
        return self.head(torch.relu(self.second(torch.clamp(self.first(x), **bounds))))


kind("empty: channels")(lambda: Between(lambda x: torch.cat((x[:, :0], x), 1)))
kind("empty: positions")(lambda: Between(lambda x: torch.cat((x[:, :, :0], x[:, :, 1:]), 2)))
kind("bound: above")(lambda: Capped(max=1.0))
kind("bound: both sides")(lambda: Capped(min=-1.0, max=1.0))
