"""Reconstruction of triggers (Neural Cleanse), for all classes at once.

For each class t: the smallest mask m and a pattern D with which A(x, m, D) = (1 - m) x + m D makes the network say t
to every image (Equations 1 and 2 of the laundering paper). One forward pass serves every class that is not done.
Symbols: x [B, C, H, W] in [0, 1]; m [G, 1, H, W], one channel for all colours; D [G, C, H, W]; G classes of a chunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts.views import device_of
from ownmark.loops import in_chunks
from ownmark.loops.repeat import repeatable
from ownmark_laundering.config import FULL_SIZE, ReconstructionConfig
from ownmark_laundering.price import advance, begin, finished

BETAS = (0.5, 0.9)
ORDER = torch.channels_last
"""Memory order of stamped images and weights."""
CACHED = 2**15
"""Pixels of one pass on a CPU: what a network makes of more leaves its caches, and takes longer than class by class."""
EDGE = 1e-4
"""How near to 0 and 1 a random start may come."""


@dataclass(frozen=True)
class Reconstruction:
    """One trigger a class.

    Args:
        masks: [K, 1, H, W] in [0, 1]. patterns: [K, C, H, W] in [0, 1].
        accuracy: [K], share of stamped images that got the class in the step the mask is from.
        reached: bool [K]; False where no trigger worked, and the mask is the last one tried.
    """

    masks: Tensor
    patterns: Tensor
    accuracy: Tensor
    reached: Tensor

    @property
    def norms(self) -> Tensor:
        """l1 norm of each mask, in pixels [K]; all pixels where no trigger worked."""
        return torch.where(self.reached, self.masks.sum((1, 2, 3)), self.masks[0].numel())

    @property
    def pictures(self) -> Tensor:
        """m D, the triggers on black: [K, C, H, W]."""
        return self.masks * self.patterns

    def stamp(self, x: Tensor, target: int) -> Tensor:
        """Images [B, C, H, W] with the trigger of one class."""
        return blend(x, self.masks[target], self.patterns[target])


def blend(x: Tensor, mask: Tensor, pattern: Tensor) -> Tensor:
    """A(x, m, D) = (1 - m) x + m D; shapes broadcast."""
    return (1 - mask) * x + mask * pattern


def pixels(z: Tensor) -> Tensor:
    """(tanh z + 1) / 2: any real number becomes a value in [0, 1]."""
    return (torch.tanh(z) + 1) / 2


def random_start(classes: int, shape: tuple[int, int, int], rng: torch.Generator) -> Tensor:
    """Uniform masks and patterns as z: [K, 1 + C, H, W], the mask first."""
    size = (classes, 1 + shape[0], *shape[1:])
    uniform = torch.rand(size, generator=rng, device=rng.device).clamp(EDGE, 1 - EDGE)
    return torch.atanh(2 * uniform - 1)


@contextmanager
def fixed(network: nn.Module, precision: str = "float32") -> Iterator[nn.Module]:
    """`network` in eval mode, its parameters without gradients and in channels-last memory order, as the trainer has
    them; all three come back afterwards (in contiguous order).

    Args:
        precision: of what runs in the block, as a recipe states it; `"bfloat16"` is autocast.
    """
    modes = {module: module.training for module in network.modules()}
    asked = [parameter for parameter in network.parameters() if parameter.requires_grad]
    network.eval().requires_grad_(False)
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


def draws(count: int, config: ReconstructionConfig, seed: int) -> Iterator[Tensor]:
    """Positions of the images of each step, [batches, batch size]; every image once before one comes again."""
    rng = torch.Generator().manual_seed(seed)
    size = min(config.batch_size, count)
    batches = max(1, config.images // size)
    rounds = -(-batches * size // count)
    for _ in range(config.steps):
        order = torch.cat([torch.randperm(count, generator=rng) for _ in range(rounds)])
        yield order[: batches * size].reshape(batches, size)


def _losses(network: nn.Module, x: Tensor, z: Tensor, labels: Tensor, price: Tensor) -> tuple[Tensor, Tensor]:
    """Equation 2 of each class [G], and the share of images that get it [G]. z: [G, 1 + C, H, W]."""
    image = pixels(z)
    mask, pattern = image[:, None, :1], image[:, None, 1:]
    logits = network(blend(x, mask, pattern).flatten(0, 1).to(memory_format=ORDER)).float()
    wanted = labels.repeat_interleave(len(x))
    entropy = F.cross_entropy(logits, wanted, reduction="none").reshape(len(z), len(x))
    hits = (logits.argmax(1) == wanted).reshape(len(z), len(x))
    return entropy.mean(1) + price * mask.sum((1, 2, 3, 4)), hits.float().mean(1)


def _step(
    network: nn.Module, batches: Tensor, x: Tensor, z: Tensor, adam: torch.optim.Adam, at: Tensor,
    labels: Tensor, price: Tensor,
) -> Tensor:  # fmt: skip
    """One update a batch of the classes `at`; their success rates, 0 for all others [G]."""
    accuracy = torch.zeros_like(price)
    for index in batches.to(x.device):
        with torch.enable_grad():
            losses, hits = _losses(network, x[index], z[at], labels[at], price[at])
            (z.grad,) = torch.autograd.grad(losses.sum(), z)
        adam.step()
        accuracy[at] += hits / len(batches)
    return accuracy


def reverse(
    network: nn.Module, x: Tensor, start: Tensor, labels: Tensor, config: ReconstructionConfig, seed: int
) -> Reconstruction:
    """The classes `labels` [G] of one chunk, from `start` [G, 1 + C, H, W]; a class does not feel the others.

    Args:
        network: fixed, on the device of all tensors. seed: of the order of images.
    """
    z = start.clone().requires_grad_()
    adam = torch.optim.Adam([z], lr=config.rate, betas=BETAS)
    first = config.cost * FULL_SIZE / x[0, 0].numel()
    state = begin(len(labels), first, config, x.device)
    best, success = z.detach().clone(), torch.zeros(len(labels), device=x.device)
    for batches in draws(len(x), config, seed):
        at = (~finished(state, config)).nonzero()[:, 0]
        if len(at) == 0:
            break
        accuracy = _step(network, batches, x, z, adam, at, labels, state.price)
        norm, former = pixels(z.detach()[:, :1]).sum((1, 2, 3)), state.best
        state = advance(state, accuracy, norm, first, config)
        keep = (state.best < former) | torch.isinf(state.best)
        best = torch.where(keep[:, None, None, None], z.detach(), best)
        success = torch.where(keep, accuracy, success)
    image = pixels(best)
    return Reconstruction(image[:, :1], image[:, 1:], success, torch.isfinite(state.best))


def chunk(config: ReconstructionConfig, batch: int, pixels: int, device: torch.device) -> int:
    """Classes of one pass: within `config.at_once` images, and on a CPU within what its caches hold.

    Args:
        batch: images a class. pixels: of an image.
    """
    images = min(config.at_once, CACHED // pixels) if device.type == "cpu" else config.at_once
    return max(1, images // batch)


def reconstruct(
    network: nn.Module, x: Tensor, classes: int, config: ReconstructionConfig, rng: torch.Generator,
    precision: str = "float32",
) -> Reconstruction:  # fmt: skip
    """A trigger of every class, in as few chunks of classes as `chunk` allows.

    Args:
        network: takes pixels; unchanged. x: the thief's images [N, C, H, W]. precision: of the network's passes, as a
            recipe states it.
    """
    device = device_of(network)
    x = x.to(device)
    channels, height, width = x.shape[1:]
    start = random_start(classes, (channels, height, width), rng).to(device)
    seed = int(torch.randint(2**62, (), generator=rng, device=rng.device))
    labels = torch.arange(classes, device=device)
    size = chunk(config, min(config.batch_size, len(x)), height * width, device)

    def work(run: slice) -> Reconstruction:
        return reverse(network, x, start[run], labels[run], config, seed)

    with fixed(network, precision), repeatable():
        return joined(in_chunks(classes, size, work))


def joined(parts: list[Reconstruction]) -> Reconstruction:
    """Chunks, one after the other."""
    return replace(
        parts[0],
        masks=torch.cat([part.masks for part in parts]),
        patterns=torch.cat([part.patterns for part in parts]),
        accuracy=torch.cat([part.accuracy for part in parts]),
        reached=torch.cat([part.reached for part in parts]),
    )
