"""What BatchNorm remembers of the training data, and how far a batch of pictures is from it.

Source: MIRA paper, Equation 2. Statistics are of the *inputs* of the norms, a class slice at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

Gap = tuple[Tensor, Tensor]
"""Differences of mean and variance from the remembered ones, each [G, K] for G slices and K channels."""


MOST_DROPPED = 10
"""One in so many norms may be left out. With one of three left little holds the pictures to the training data, and
unlearning them moves the norms' statistics in place of the network's function."""


def remembering(network: nn.Module, dropped: int = 0) -> list[_BatchNorm]:
    """BatchNorm modules with running statistics, in order of registration, without the last `dropped`.

    At most a tenth of them is left out. A network without such modules gives an empty list, and R_bn is 0 (MIRA paper,
    appendix C.1, for LeNet).
    """
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm) and m.running_mean is not None]
    return norms[: len(norms) - min(dropped, len(norms) // MOST_DROPPED)]


def slice_gap(norm: _BatchNorm, x: Tensor, groups: int) -> Gap:
    """Gaps of one norm's inputs x [G * M, K, ...]; two reductions about the remembered mean, whatever the memory order.

    Returns: differences of mean and (biased) variance, each [G, K].
    """
    mean, variance = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
    centred = x.reshape(len(x), x.shape[1], -1).float() - mean[:, None]
    first, second = (
        part.mean(2).reshape(groups, -1, x.shape[1]).mean(1) for part in (centred, centred.square())
    )
    return first, second - first.square() - variance


@contextmanager
def watched(norms: Sequence[_BatchNorm], groups: int) -> Iterator[list[Gap]]:
    """A list that fills with the gaps of the norms' inputs while the network runs in the block.

    Args:
        groups: G; the rows of a batch are G slices of equal length, one after the other.
    """
    gaps: list[Gap] = []

    def look(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, _BatchNorm)
        gaps.append(slice_gap(norm, inputs[0], groups))

    handles = [norm.register_forward_pre_hook(look) for norm in norms]
    try:
        yield gaps
    finally:
        for handle in handles:
            handle.remove()


def squared_gap(gaps: Sequence[Gap], like: Tensor) -> Tensor:
    """R_bn of each slice: squares summed over channels and norms (Equation 2).

    Args:
        like: [G], gives type and device where there are no norms. Returns: [G].
    """
    total = torch.zeros_like(like)
    for mean, variance in gaps:
        total = total + mean.square().sum(1) + variance.square().sum(1)
    return total


def norm_gap(gaps: Sequence[Gap], like: Tensor) -> Tensor:
    """As `squared_gap` with Euclidean norms in place of their squares (DeepInversion). Returns: [G]."""
    total = torch.zeros_like(like)
    for mean, variance in gaps:
        total = total + torch.linalg.vector_norm(mean, dim=1) + torch.linalg.vector_norm(variance, dim=1)
    return total
