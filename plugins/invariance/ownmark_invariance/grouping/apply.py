"""Applying a transform: every recorded parameter is scaled, signed and gathered; the result is tested."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ownmark_invariance.grouping.book import Use
from ownmark_invariance.grouping.clone import clone
from ownmark_invariance.grouping.doubling import doubled, in_double
from ownmark_invariance.grouping.equivalence import verify_equivalence
from ownmark_invariance.grouping.errors import CannotTransform
from ownmark_invariance.grouping.groups import Example, Groups, axis_of, check
from ownmark_invariance.grouping.labels import Axis
from ownmark_invariance.grouping.structure import index_of, places
from ownmark_invariance.grouping.symbols import Ints
from ownmark_invariance.grouping.transform import Transform


@dataclass(frozen=True, eq=False)
class Truth:
    """What a transform did along one axis of a parameter: new = (sign * scale * old)[permutation] on that axis.

    `scale` and `sign` [n] are indexed like the old axis. Variances scale by scale^2 in the exact eps form.
    """

    permutation: Ints
    scale: NDArray[np.float64]
    sign: Ints


@torch.no_grad()
def apply(
    model: nn.Module,
    groups: Groups,
    transform: Transform,
    example: Example | None = None,
    *,
    tolerance: float | None = None,
    check_result: bool = True,
) -> nn.Module:
    """The transformed deep copy of `model`, tested to be equivalent on `example` (default: the one of the analysis).

    Raises CannotTransform if the groups or the transform belong to another network, NotEquivalent if the test fails.
    """
    check(model)
    if transform.source.size != groups.perm.count or transform.exponent.size != groups.scale.count:
        raise CannotTransform(f"the transform was drawn for other groups than those of {groups.name}")
    after = clone(model)
    _change(after, groups, transform)
    if check_result:
        device = next(model.parameters()).device
        inputs = groups.example if example is None else example
        inputs = inputs if isinstance(inputs, tuple) else (inputs,)
        inputs = tuple(x.to(device) for x in inputs)
        verify_equivalence(model, after, inputs, tolerance=tolerance)
        _verify_in_double(model, groups, transform, inputs)
    return after


def _change(network: nn.Module, groups: Groups, transform: Transform) -> None:
    held = dict(network.named_parameters(remove_duplicate=False)) | dict(
        network.named_buffers(remove_duplicate=False)
    )
    for use in groups.uses:
        target = held.get(use.name)
        if target is None or tuple(target.shape) != use.shape:
            found = (
                "it is missing" if target is None else f"its shape is {tuple(target.shape)}, not {use.shape}"
            )
            raise CannotTransform(f"'{use.name}' of {groups.name}: {found}")
        target.data = transformed(target.data, use, groups, transform)
    for module in network.modules():
        if isinstance(module, nn.RNNBase):
            module.flatten_parameters()


def _verify_in_double(
    model: nn.Module, groups: Groups, transform: Transform, example: tuple[Tensor, ...]
) -> None:
    """The same transform of the same network in double precision, where nothing hides among rounding errors."""
    if groups.dtype == torch.float64:
        return
    before, after = doubled(model), doubled(model)
    _change(after, groups, transform)
    wide = tuple(x.double() if x.is_floating_point() else x for x in example)
    with in_double():
        try:
            before(*wide)
        except Exception:  # a kernel that knows no double precision
            return
        verify_equivalence(before, after, wide)


def transformed(old: Tensor, use: Use, groups: Groups, transform: Transform) -> Tensor:
    """The new value of one parameter or buffer."""
    new = _scaled_variance(old, use, groups, transform) if use.role == "variance" else old
    parts = [_along(axis, groups, transform) for axis in use.axes]
    if use.role == "grouped":
        return _grouped(new, use.blocks, *parts)
    fresh = new is not old
    for axis, (index, factor) in zip(use.axes, parts, strict=True):
        if factor is not None and use.role != "variance":
            value = factor.reshape(axis.perm.shape).to(old)
            new = new.mul_(value) if fresh else new * value
            fresh = True
        if index is not None:
            new, fresh = _gather(new, index, axis.perm.shape), True
    return new


def _along(axis: Axis, groups: Groups, transform: Transform) -> tuple[Tensor | None, Tensor | None]:
    """Gather index and factor of one axis, flattened; None for the identity."""
    index, exponent, sign = _vectors(axis, groups, transform)
    moved = None if np.array_equal(index, np.arange(index.size)) else torch.from_numpy(index)
    plain = not exponent.any() and (sign > 0).all()
    return moved, None if plain else torch.from_numpy(np.ldexp(sign.astype(np.float64), exponent))


def _vectors(axis: Axis, groups: Groups, transform: Transform) -> tuple[Ints, Ints, Ints]:
    """Permutation, exponent and sign of the places of an axis, flattened."""
    index = index_of(places(axis.perm, groups.perm), transform.source)
    exponent = np.zeros(axis.perm.shape, dtype=np.int64)
    for symbols, power in ((axis.up, 1), (axis.down, -1)):
        if symbols is not None:
            exponent = exponent + power * transform.exponent[groups.scale.of[symbols]]
    sign = np.ones(axis.perm.shape, dtype=np.int64)
    for symbols in axis.signs:
        sign = sign * transform.sign[groups.sign.of[symbols]]
    return index, exponent.ravel(), sign.ravel()


def _gather(tensor: Tensor, index: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Reorder the places along the dimensions in which `shape` is not one."""
    index = index.to(tensor.device)
    dims = [d for d, size in enumerate(shape) if size > 1]
    if len(dims) == 1:
        return tensor.index_select(dims[0], index)
    rest = [d for d in range(tensor.ndim) if d not in dims]
    front = tensor.permute(*dims, *rest)
    moved = front.reshape(len(index), -1)[index].reshape(front.shape)
    return moved.permute(*np.argsort([*dims, *rest]).tolist()).contiguous()


def _grouped(
    weight: Tensor, blocks: int, first: tuple[Tensor | None, ...], second: tuple[Tensor | None, ...]
) -> Tensor:
    """weight [A, B/blocks, ...]: both sides move by the same order of blocks, then inside each block."""
    shape = weight.shape
    new = weight.reshape(blocks, shape[0] // blocks, shape[1], -1)
    for factor, view in ((first[1], (blocks, -1, 1, 1)), (second[1], (blocks, 1, -1, 1))):
        if factor is not None:
            new = new * factor.reshape(view).to(weight)
    rows = _index(first[0], shape[0]).to(weight.device).reshape(blocks, -1)
    columns = _index(second[0], shape[1] * blocks).to(weight.device).reshape(blocks, -1)
    block = rows[:, :1] // rows.shape[1]
    inside = (rows % rows.shape[1], columns % columns.shape[1])
    return new[block[:, :, None], inside[0][:, :, None], inside[1][:, None, :]].reshape(shape)


def _index(index: Tensor | None, size: int) -> Tensor:
    return torch.arange(size) if index is None else index


def _scaled_variance(old: Tensor, use: Use, groups: Groups, transform: Transform) -> Tensor:
    """var' = k^2 (var + eps) - eps (sheet 1.1), or that neighbour for which var' + eps rounds to k^2 (var + eps)."""
    _, exponent, _ = _vectors(use.axes[0], groups, transform)
    if not exponent.any():
        return old
    k = torch.from_numpy(np.ldexp(1.0, exponent)).to(old)
    target = k * k * (old + use.eps)
    exact = target - use.eps
    away = torch.full_like(exact, torch.inf)
    options = torch.stack([exact, torch.nextafter(exact, -away), torch.nextafter(exact, away)])
    miss = (options + use.eps - target).abs()
    best = options.gather(0, miss.argmin(0, keepdim=True))[0]
    return torch.where(k == 1, old, best)


def ground_truth(groups: Groups, transform: Transform) -> dict[tuple[str, int | None], Truth]:
    """What the transform does, by (parameter name, axis); axis None means the flattened elements."""
    return dict(_truths(groups, transform))


def _truths(groups: Groups, transform: Transform) -> Iterator[tuple[tuple[str, int | None], Truth]]:
    for use in groups.uses:
        for axis in use.axes:
            index, exponent, sign = _vectors(axis, groups, transform)
            yield (use.name, axis_of(use, axis)), Truth(index, np.ldexp(1.0, exponent), sign)
