"""`analyse`: what may be done to which channels of a network, as one value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from ownmark_invariance.grouping.book import Layer, Use
from ownmark_invariance.grouping.clone import clone
from ownmark_invariance.grouping.errors import CannotTransform
from ownmark_invariance.grouping.labels import Axis
from ownmark_invariance.grouping.report import Row, rows
from ownmark_invariance.grouping.structure import Places, Structure, places, positions, structure
from ownmark_invariance.grouping.symbols import FROZEN, Classes, Ints
from ownmark_invariance.grouping.trace import walk

Example = Tensor | tuple[Tensor, ...]


@dataclass(frozen=True)
class Member:
    """One axis of one parameter that shows the channels of a group.

    `positions` [size, multiplicity]: the places of each channel along `axis` (multiplicity > 1 after a flatten, for
    the gates of an LSTM). `axis` is None for an element-wise parameter, whose places count its flattened elements. A
    grouped convolution has `blocks` > 1 and its axis 1 counts in channel space, blocks * shape[1].
    """

    module: str
    parameter: str
    axis: int | None
    positions: Ints
    blocks: int = 1


@dataclass(frozen=True)
class Group:
    """Channels that may change places with each other.

    `block` [size]: the movable block each is in, or -1: channels leave a block only together with all of it.
    """

    id: int
    size: int
    members: tuple[Member, ...]
    block: Ints


@dataclass(frozen=True)
class Groups:
    """Everything the engine found out about one architecture; holds no weights, but the example it was traced on."""

    name: str
    uses: tuple[Use, ...]
    layers: tuple[Layer, ...]
    structure: Structure
    scale: Classes
    sign: Classes
    sign_ties: tuple[tuple[Ints, str], ...]
    dtype: torch.dtype
    opaque: dict[str, str]
    example: tuple[Tensor, ...]

    @property
    def perm(self) -> Classes:
        """The classes of channels."""
        return self.structure.perm

    def axes(self) -> Iterator[tuple[Use, Axis, Places]]:
        """Every parameter axis with the places of the classes on it."""
        for use in self.uses:
            for axis in use.axes:
                yield use, axis, places(axis.perm, self.perm)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Groups of two or more exchangeable channels."""
        bucket = self.structure.bucket
        size = np.bincount(bucket[bucket >= 0], minlength=int(bucket.max(initial=0)) + 1)
        members: dict[int, list[Member]] = {int(b): [] for b in np.flatnonzero(size > 1)}
        inside = {b: np.flatnonzero(bucket == b) for b in members}
        for use, axis, found in self.axes():
            for b in np.unique(bucket[found.cls]).tolist():
                if b in members:
                    where = positions(found, inside[b])
                    members[b].append(
                        Member(use.module, use.parameter, axis_of(use, axis), where, use.blocks)
                    )
        block = self.structure.block
        return tuple(Group(b, len(inside[b]), tuple(m), block[inside[b]]) for b, m in members.items() if m)

    def group(self, number: int) -> Group:
        """The group with this id."""
        return next(group for group in self.groups if group.id == number)

    def rows(self) -> list[Row]:
        """The report, one row for each layer."""
        return rows(self)

    @property
    def hopeless(self) -> bool:
        """Whether nothing at all may be done."""
        sizes = np.bincount(self.structure.bucket[self.structure.bucket >= 0], minlength=1)
        return bool(sizes.max() < 2 and self.scale.count == 1 and self.sign.count == 1)


def axis_of(use: Use, axis: Axis) -> int | None:
    """The dimension of the parameter along which an axis runs; None if along several."""
    if use.role == "grouped":
        return 0 if axis is use.axes[0] else 1
    dims = [d for d, size in enumerate(axis.perm.shape) if size > 1]
    return dims[0] if len(dims) == 1 else 0 if not dims else None


@torch.no_grad()
def analyse(model: nn.Module, example: Example) -> Groups:
    """Trace the model on one input and find its groups; the model is not touched.

    Raises CannotTransform for a model in training mode, on the meta device, without floating point weights, or that
    does not run on the example.
    """
    check(model)
    inner, prefix = unwrap(clone(model))
    example = example if isinstance(example, tuple) else (example,)
    book, opaque = walk(inner, example)
    uses = tuple(prefixed(use, prefix) for use in book.uses.values())
    dtype = next(p.dtype for p in inner.parameters() if p.is_floating_point())
    solved = structure(book), book.scale.solve(), book.sign.solve()
    layers = tuple(book.layers)
    if book.ways > 1:  # a layer that lies on several ways is one layer
        layers = tuple({layer.name: layer for layer in reversed(layers)}.values())[::-1]
    return Groups(type(inner).__name__, uses, layers, *solved, tuple(book.ties), dtype, opaque, example)


def check(model: nn.Module) -> None:
    """Raise CannotTransform for what no transform applies to."""
    for name, module in model.named_modules():
        if module.training:
            raise CannotTransform(
                f"module '{name or type(model).__name__}' is in training mode; call model.eval() first"
            )
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.is_meta:
            raise CannotTransform(f"'{name}' is on the meta device and has no values")
        if tensor.is_complex() or tensor.is_quantized:
            raise CannotTransform(
                f"'{name}' is {tensor.dtype}; only real floating point weights can be transformed"
            )
    if not any(p.is_floating_point() for p in model.parameters()):
        found = next((f"'{n}' is {p.dtype}" for n, p in model.named_parameters()), "it has no parameters")
        raise CannotTransform(f"{type(model).__name__} has no floating point parameters: {found}")


def unwrap(model: nn.Module) -> tuple[nn.Module, str]:
    """The network inside a data-parallel wrapper, and the prefix of its parameter names."""
    if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        return model.module, "module."
    return model, ""


def prefixed(use: Use, prefix: str) -> Use:
    """The record under the name that the whole model uses."""
    return Use(prefix + use.name, use.shape, use.axes, use.role, use.blocks, use.eps)


__all__ = ["FROZEN", "Example", "Group", "Groups", "Member", "analyse", "axis_of", "check", "unwrap"]
