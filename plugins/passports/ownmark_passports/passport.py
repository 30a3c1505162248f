"""Pure functions of passports.

A passport P [in, h, w] has the shape of a convolution's input, and makes the scale (or bias) of a channel as
gamma = mean over positions of conv(P). The mean of a convolution is the filter times the mean of the windows it slides
over, so a passport acts through its mean window M alone: gamma = W M, with W [out, in * kh * kw].
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def mean_windows(passports: Tensor, conv: nn.Conv2d) -> Tensor:
    """What the filters see on average: [k, in, h, w] -> [k, in * kh * kw]. Zeros of the padding count."""
    windows = F.unfold(passports, conv.kernel_size, conv.dilation, conv.padding, conv.stride)  # type: ignore[arg-type]
    return windows.mean(2)


def scales(weight: Tensor, windows: Tensor) -> Tensor:
    """mean conv(P), in float32, with gradients into the weight.

    Args:
        weight: [out, in, kh, kw]. windows: [k, in * kh * kw]. Returns: [k, out].
    """
    with torch.autocast(weight.device.type, enabled=False):
        return windows.float() @ weight.float().flatten(1).T


def random_passports(shape: tuple[int, int, int], rng: torch.Generator) -> Tensor:
    """Scale and bias passports, uniform in (-1, 1): [2, in, h, w]."""
    return 2 * torch.rand(2, *shape, generator=rng, device=rng.device) - 1


def shuffled_passports(activations: Tensor, rng: torch.Generator) -> Tensor:
    """Passports from activations of n images: channel j is a channel, not used before, of image j mod n.

    For a convolution that reads images it is one whole image each for scale and bias.

    Args:
        activations: [n, in, h, w] at the convolution's input. Returns: [2, in, h, w].
    """
    count, channels = activations.shape[:2]
    if channels <= 3:
        return activations[torch.randperm(count, generator=rng).repeat(2)[:2]]
    slots = torch.arange(channels)
    picked = []
    for _ in range(2):
        order = torch.stack([torch.randperm(channels, generator=rng) for _ in range(count)])
        picked.append(activations[slots % count, order[slots % count, slots // count]])
    return torch.stack(picked)


def passport_for(scale: Tensor, conv: nn.Conv2d, shape: tuple[int, int, int]) -> Tensor:
    """The smallest passports that make these scales with the convolution's weights: least squares.

    Exact as long as the filters are independent and there are no more of them than inputs.

    Args:
        scale: [k, out]. shape: of one passport. Returns: [k, in, h, w].
    """
    inputs, height, width = shape
    spots = torch.eye(height * width, device=scale.device).reshape(-1, 1, height, width)
    spread = mean_windows(spots, conv).T  # [kh * kw, h * w], the same for every input channel
    linear = torch.einsum("oik,kp->oip", conv.weight.detach().float().flatten(2), spread).flatten(1)
    solved: Tensor = scale.float() @ torch.linalg.pinv(linear).T
    return solved.reshape(-1, inputs, height, width)
