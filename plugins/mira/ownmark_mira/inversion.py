"""Pictures that a network takes for given classes, found by gradient descent on the pictures.

MIRA's class-wise inversion (section 4.1): `class_wise_loss` for many classes at once, `invert` for all of them.
Pictures of all classes are [C, M, channels, H, W], class by class; BatchNorm statistics are per class slice, so a
class comes out the same whichever classes share its batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ownmark.contracts.views import device_of
from ownmark.loops import in_chunks
from ownmark_mira.batchnorm import norm_gap, remembering, squared_gap, watched
from ownmark_mira.config import RecoveryConfig
from ownmark_mira.priors import energy, released_energy, released_variation, standardised, variation

BETAS = (0.5, 0.9)
LAST_RATE = 1e-4
ORDER = torch.channels_last
"""Memory order of pictures and weights."""
CPU_POSITIONS = 45_000
"""Most pixels, channels not counted, of one batch on a CPU. Larger ones fall out of its caches: 640 pictures of 32 x 32
at once took 1.6 times as long as class by class."""


@contextmanager
def fixed(network: nn.Module, precision: str = "float32") -> Iterator[nn.Module]:
    """`network` in eval mode with parameters that ask for no gradient, in channels-last memory order as the trainer has
    them; modes, requests and (contiguous) order come back afterwards.

    Args:
        precision: of what runs in the block, as a recipe states it; `"bfloat16"` is autocast.
    """
    modes = {module: module.training for module in network.modules()}
    asked = [parameter for parameter in network.parameters() if parameter.requires_grad]
    network.eval()
    for parameter in asked:
        parameter.requires_grad_(False)
    narrow = torch.autocast(device_of(network).type, torch.bfloat16, enabled=precision == "bfloat16")
    try:
        with narrow:
            yield network.to(memory_format=ORDER)  # type: ignore[call-overload]
    finally:
        network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        for parameter in asked:
            parameter.requires_grad_(True)
        for module, mode in modes.items():
            module.training = mode


def pixels(z: Tensor) -> Tensor:
    """(tanh z + 1) / 2: any real number becomes a pixel in [0, 1]."""
    return (torch.tanh(z) + 1) / 2


def descend(
    start: Tensor,
    loss: Callable[[Tensor, int], Tensor],
    iterations: int,
    rate: float,
    last_rate: float = LAST_RATE,
    betas: tuple[float, float] = BETAS,
) -> Tensor:
    """Minimise `loss(z, step)` from `start` with Adam and a cosine from `rate` to `last_rate`."""
    z = start.clone().requires_grad_()
    adam = torch.optim.Adam([z], lr=rate, betas=betas)
    for step in range(iterations):
        share = (1 + math.cos(math.pi * step / iterations)) / 2
        adam.param_groups[0]["lr"] = last_rate + (rate - last_rate) * share
        with torch.enable_grad():
            (z.grad,) = torch.autograd.grad(loss(z, step), z)
        adam.step()
    return z.detach()


def class_wise_loss(
    network: nn.Module, u: Tensor, labels: Tensor, norms: Sequence[_BatchNorm], config: RecoveryConfig
) -> Tensor:
    """Equations 1 to 3 for each class slice.

    Args:
        u: pixels [G, M, channels, H, W]. labels: [G]. norms: those that R_bn looks at. Returns: [G].
    """
    groups, count = u.shape[:2]
    flat = u.flatten(0, 1)
    with watched(norms, groups) as gaps:
        logits = network(flat.to(memory_format=ORDER)).float()
    wanted = labels.repeat_interleave(count)
    found = F.cross_entropy(logits, wanted, reduction="none").reshape(groups, count).mean(1)
    x = standardised(flat, config.mean, config.std)
    if config.form == "released":
        x = x.unflatten(0, (groups, count))
        size, rough, distance = released_energy(x), released_variation(x), norm_gap(gaps, found)
    else:
        size, rough = (part(x).reshape(groups, count).mean(1) for part in (energy, variation))
        distance = squared_gap(gaps, found)
    return found + config.alpha_l2 * size + config.alpha_tv * rough + config.alpha_bn * distance


def classes_at_once(shape: Sequence[int], device: torch.device, at_once: int) -> int:
    """How many classes share a batch: what `at_once` pictures allow, and on a CPU `CPU_POSITIONS`; at least one.

    Args:
        shape: C, M, channels, H, W.
    """
    _, count, _, height, width = shape
    if device.type == "cpu":
        at_once = min(at_once, CPU_POSITIONS // (height * width))
    return max(1, at_once // count)


def invert(network: nn.Module, start: Tensor, config: RecoveryConfig, precision: str = "float32") -> Tensor:
    """Pictures of every class, in as few chunks of classes as `config.at_once` images allow.

    Args:
        network: takes pixels; unchanged. start: z [C, M, channels, H, W], slice c for class c, on the network's device.
        precision: of the network's passes, as a recipe states it.
    Returns: pixels in [0, 1] of the same shape.
    """
    classes = len(start)
    labels = torch.arange(classes, device=start.device)
    with fixed(network, precision):
        norms = remembering(network, config.dropped_norms)

        def work(run: slice) -> Tensor:
            def loss(z: Tensor, step: int) -> Tensor:
                return class_wise_loss(network, pixels(z), labels[run], norms, config).sum()

            return pixels(descend(start[run], loss, config.iterations, config.rate))

        return torch.cat(in_chunks(classes, classes_at_once(start.shape, start.device, config.at_once), work))
