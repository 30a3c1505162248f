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


def window_spread(conv: nn.Conv2d, shape: tuple[int, int, int]) -> Tensor:
    """How a channel of a passport makes its mean window, the same for every channel: [kh * kw, h * w]."""
    _, height, width = shape
    spots = torch.eye(height * width, device=conv.weight.device).reshape(-1, 1, height, width)
    one = nn.Conv2d(1, 1, conv.kernel_size, conv.stride, conv.padding, conv.dilation)  # type: ignore[arg-type]
    return mean_windows(spots, one).T


def reach(conv: nn.Conv2d, shape: tuple[int, int, int]) -> Tensor:
    """The filters, blind to what no passport's mean window has: [out, in * kh * kw]."""
    spread = window_spread(conv, shape)
    filters = conv.weight.detach().float().flatten(2) @ (spread @ torch.linalg.pinv(spread))
    return filters.flatten(1)


def attainable(conv: nn.Conv2d, shape: tuple[int, int, int]) -> Tensor:
    """Projects scales [k, out] onto those that some passport has: [out, out], symmetric.

    The identity where the filters are independent and no more than their inputs.
    """
    filters = reach(conv, shape)
    return filters @ torch.linalg.pinv(filters)


def windows_for(scale: Tensor, conv: nn.Conv2d, shape: tuple[int, int, int]) -> Tensor:
    """The smallest mean windows of passports that make these scales: [k, out] -> [k, in * kh * kw].

    Exact for `attainable` scales, the nearest of these for others.
    """
    solved: Tensor = scale.float() @ torch.linalg.pinv(reach(conv, shape)).T
    return solved


def passport_with(windows: Tensor, conv: nn.Conv2d, shape: tuple[int, int, int]) -> Tensor:
    """The smallest passports with these mean windows: [k, in * kh * kw] -> [k, in, h, w], channel by channel."""
    inputs, height, width = shape
    back = torch.linalg.pinv(window_spread(conv, shape))  # [h * w, kh * kw]
    solved: Tensor = windows.float().reshape(len(windows), inputs, -1) @ back.T
    return solved.reshape(-1, inputs, height, width)
