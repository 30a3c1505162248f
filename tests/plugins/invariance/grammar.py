"""Random networks: a list of whole numbers is read as a program over feature maps, so that hypothesis can shrink it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Step:
    """One operation: which earlier values it reads, and what it does with the network and those values."""

    reads: tuple[int, ...]
    run: Callable[..., Tensor | tuple[Tensor, ...]]


class Program(nn.Module):
    """Runs the steps; joins the last values over all positions; two outputs are linear, one keeps positions."""

    def __init__(self, genes: list[int], flat: bool) -> None:
        super().__init__()
        self.layers, self.steps, self.flat = nn.ModuleList(), [], flat
        self.shapes = [(3, 8)]
        for gene in genes:
            self.add(gene)
        self.last = [len(self.shapes) - 1, max(0, len(self.shapes) - 3)]
        width = sum(c * (s * s if flat else 1) for c, s in (self.shapes[i] for i in self.last))
        self.head = nn.Sequential(nn.Linear(width, 12), nn.Tanh() if flat else nn.ReLU(), nn.Linear(12, 4))

    def forward(self, x: Tensor) -> Tensor:
        values = [x]
        for step in self.steps:
            out = step.run(self, *(values[i] for i in step.reads))
            values.extend(out) if isinstance(out, tuple) else values.append(out)
        ends = [values[i].flatten(1) if self.flat else values[i].mean((2, 3)) for i in self.last]
        return self.head(torch.cat(ends, dim=1))

    def layer(self, module: nn.Module) -> int:
        """Keep a module; steps find it by number, so that a deep copy finds its own."""
        self.layers.append(module)
        return len(self.layers) - 1

    def call(self, shape: tuple[int, int], i: int, module: nn.Module) -> None:
        k = self.layer(module)
        self.push(shape, (i,), lambda net, a: net.layers[k](a))

    def push(
        self, shape: tuple[int, int], reads: tuple[int, ...], run: Callable[..., Tensor | tuple[Tensor, ...]]
    ) -> None:
        self.steps.append(Step(reads, run))
        self.shapes.append(shape)

    def add(self, gene: int) -> None:
        """Read one gene: operation, which of the last four values, a detail."""
        names = sorted(name for name in dir(self) if name.startswith("op_"))
        gene, name = divmod(gene, len(names))
        gene, back = divmod(gene, 4)
        source = max(0, len(self.shapes) - 1 - back)
        getattr(self, names[name])(source, *self.shapes[source], gene)

    def op_conv(self, i: int, c: int, s: int, g: int) -> None:
        out = (4, 8, 8, 12)[g % 4]
        groups = (1, 1, 2, 4)[(g // 4) % 4]
        groups = groups if c % groups == 0 else 1
        self.call((out, s), i, nn.Conv2d(c, out, 3, padding=1, groups=groups, bias=bool(g % 3)))

    def op_conv_same(self, i: int, c: int, s: int, g: int) -> None:
        kinds = [nn.Conv2d, nn.ConvTranspose2d]
        groups = c if g % 3 == 0 else 1
        self.call((c, s), i, kinds[g % 2](c, c, 3, padding=1, groups=groups))

    def op_widen(self, i: int, c: int, s: int, g: int) -> None:
        groups = (1, 2, c)[g % 3] if c % 2 == 0 else c
        if c <= 12:
            self.call((2 * c, s), i, nn.ConvTranspose2d(c, 2 * c, 1, groups=groups))

    def op_norm(self, i: int, c: int, s: int, g: int) -> None:
        self.call((c, s), i, self.norm(c, s, g))

    def op_block(self, i: int, c: int, s: int, g: int) -> None:
        """conv, norm, activation: the usual case must be frequent."""
        body = [nn.Conv2d(c, 8, 3, padding=1), self.norm(8, s, g // 3), self.activation(8, g)]
        self.call((8, s), i, nn.Sequential(*body))

    def norm(self, c: int, s: int, g: int) -> nn.Module:
        groups = next(n for n in ((4, 2, 1) if g % 2 else (2, 1)) if c % n == 0)
        makers: list[Callable[[], nn.Module]] = [
            lambda: nn.BatchNorm2d(c), lambda: nn.BatchNorm2d(c), lambda: nn.GroupNorm(groups, c),
            lambda: nn.InstanceNorm2d(c, affine=True), lambda: nn.GroupNorm(1, c),
            lambda: nn.BatchNorm2d(c, affine=False), lambda: nn.InstanceNorm2d(c),
            lambda: nn.LayerNorm([c, s, s]), lambda: nn.RMSNorm([c, s, s]),
        ]  # fmt: skip
        return makers[g % len(makers)]()

    def activation(self, c: int, g: int) -> nn.Module:
        kinds = [
            nn.ReLU(),
            nn.Tanh(),
            nn.Sigmoid(),
            nn.LeakyReLU(0.2),
            nn.PReLU(c),
            nn.SiLU(),
            nn.Identity(),
            nn.Hardtanh(),
        ]
        return kinds[g % len(kinds)]

    def op_act(self, i: int, c: int, s: int, g: int) -> None:
        self.call((c, s), i, self.activation(c, g))

    def op_pool(self, i: int, c: int, s: int, g: int) -> None:
        if s > 2:
            self.call((c, s // 2), i, (nn.MaxPool2d, nn.AvgPool2d)[g % 2](2))

    def op_add(self, i: int, c: int, s: int, g: int) -> None:
        like = [j for j, shape in enumerate(self.shapes) if shape == (c, s)]
        j = like[g % len(like)]
        runs: list[Callable[..., Tensor]] = [
            lambda net, a, b: a + b,
            lambda net, a, b: a - 2 * b,
            lambda net, a, b: torch.maximum(a, b),
        ]
        self.push((c, s), (i, j), runs[g % 3])

    def op_cat(self, i: int, c: int, s: int, g: int) -> None:
        like = [j for j, shape in enumerate(self.shapes) if shape[1] == s]
        j = like[g % len(like)]
        if c + self.shapes[j][0] <= 24:
            self.push((c + self.shapes[j][0], s), (i, j), lambda net, a, b: torch.cat([a, b], 1))

    def op_chunk(self, i: int, c: int, s: int, g: int) -> None:
        if c % 2 == 0:
            self.push((c // 2, s), (i,), lambda net, a: (a.chunk(2, 1)[0], a.chunk(2, 1)[1]))
            self.shapes.append((c // 2, s))

    def op_slice(self, i: int, c: int, s: int, g: int) -> None:
        if c > 2:
            self.push((len(range(g % 2, c, 1 + g % 2)), s), (i,), lambda net, a: a[:, g % 2 :: 1 + g % 2])

    def op_pad(self, i: int, c: int, s: int, g: int) -> None:
        if c <= 12:
            self.push((c + 4, s), (i,), lambda net, a: F.pad(a, (0, 0, 0, 0, g % 5, 4 - g % 5)))

    def op_shuffle(self, i: int, c: int, s: int, g: int) -> None:
        if c % 4 == 0:
            k = (2, 4)[g % 2]
            self.push(
                (c, s),
                (i,),
                lambda net, a: a.view(a.size(0), k, c // k, s, s).transpose(1, 2).reshape(a.size(0), c, s, s),
            )

    def op_gate(self, i: int, c: int, s: int, g: int) -> None:
        fc = self.layer(nn.Linear(c, c))
        self.push(
            (c, s), (i,), lambda net, a: a * torch.sigmoid(net.layers[fc](a.mean((2, 3))))[:, :, None, None]
        )

    def op_product(self, i: int, c: int, s: int, g: int) -> None:
        like = [j for j, shape in enumerate(self.shapes) if shape == (c, s)]
        self.push((c, s), (i, like[g % len(like)]), lambda net, a, b: torch.tanh(a) * b)

    def op_mask(self, i: int, c: int, s: int, g: int) -> None:
        runs: list[Callable[..., Tensor]] = [
            lambda net, a: a * torch.sigmoid(a.mean(1, keepdim=True)),
            lambda net, a: a + a.amax(1, keepdim=True),
            lambda net, a: a - a.abs().mean((2, 3), keepdim=True),
            lambda net, a: a * a.softmax(1),
        ]
        self.push((c, s), (i,), runs[g % 4])

    def op_again(self, i: int, c: int, s: int, g: int) -> None:
        """The same convolution on two values (weight sharing)."""
        like = [j for j, shape in enumerate(self.shapes) if shape == (c, s)]
        conv = self.layer(nn.Conv2d(c, c, 1))
        self.push(
            (c, s),
            (i, like[g % len(like)]),
            lambda net, a, b: net.layers[conv](a) + torch.relu(net.layers[conv](b)),
        )

    def op_attend(self, i: int, c: int, s: int, g: int) -> None:
        """Attention over positions with two heads."""
        if c % 4:
            return
        inner = self.layer(nn.Linear(c, 3 * c))

        def run(net: Program, a: Tensor) -> Tensor:
            x = net.layers[inner](a.flatten(2).transpose(1, 2))
            q, k, v = x.view(x.size(0), s * s, 3, 2, c // 2).permute(2, 0, 3, 1, 4)
            y = F.scaled_dot_product_attention(q, k, v)
            return y.transpose(1, 2).reshape(x.size(0), s * s, c).transpose(1, 2).reshape(x.size(0), c, s, s)

        self.push((c, s), (i,), run)

    def op_table(self, i: int, c: int, s: int, g: int) -> None:
        """A parameter added to, or multiplied with, every channel."""
        table = nn.Parameter(torch.rand(1, c, 1, 1) + 0.5)
        self.register_parameter(f"table{len(self.steps)}", table)
        name = f"table{len(self.steps)}"
        if g % 2:
            self.push((c, s), (i,), lambda net, a: a + getattr(net, name))
        else:
            self.push((c, s), (i,), lambda net, a: getattr(net, name) * a)
