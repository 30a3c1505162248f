"""Which class the mark points to, if to one: the network is smoothest around that class's pictures.

Source: MIRA paper, section 5.1 and Equation 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ownmark.contracts import evaluating
from ownmark.loops import in_chunks
from ownmark_mira.inversion import ORDER, fixed


@dataclass(frozen=True)
class Finding:
    """What the smoothness of the classes says.

    Args:
        smooth: SmoothAcc of each class [C]. order: classes, the smoothest first [C]. gap: between the first two.
        fixed: whether the mark is taken to have one target class, `order[0]`.
    """

    smooth: Tensor
    order: Tensor
    gap: float
    fixed: bool

    @property
    def target(self) -> int:
        """s_0, the smoothest class."""
        return int(self.order[0])

    @property
    def unlikely(self) -> tuple[int, int]:
        """s_{C-1} and s_{C-2}: the least and the second least smooth class."""
        return int(self.order[-1]), int(self.order[-2])


def device_generator(rng: torch.Generator, device: torch.device) -> torch.Generator:
    """A generator on `device` whose draws follow from `rng`."""
    seed = int(torch.randint(2**62, (), generator=rng, device=rng.device))
    return torch.Generator(device).manual_seed(seed)


def noisy_parameters(network: nn.Module, sd: float, rng: torch.Generator) -> dict[str, Tensor]:
    """theta + e_2: every parameter with noise of its own; running statistics are no parameters."""
    return {
        name: p.detach() + sd * torch.randn(p.shape, generator=rng, device=p.device, dtype=p.dtype)
        for name, p in network.named_parameters()
    }


def kept_answers(
    network: nn.Module,
    x: Tensor,
    labels: Tensor,
    draws: int,
    pixel_noise: float,
    weight_noise: float,
    rng: torch.Generator,
    at_once: int = 5000,
) -> Tensor:
    """Share of the draws of noise under which each image keeps its label; one draw of weight noise serves all images.

    Args:
        x: pixels [N, channels, H, W], on the network's device. labels: [N]. Returns: [N].
    """
    generator = device_generator(rng, x.device)
    hits, x = torch.zeros(len(x), device=x.device), x.to(memory_format=ORDER)
    with evaluating(network), fixed(network):
        for _ in range(draws):
            weights = noisy_parameters(network, weight_noise, generator)
            noisy = x + pixel_noise * torch.randn(x.shape, generator=generator, device=x.device)
            hits += _answers(network, weights, noisy, at_once) == labels
    return hits / draws


def smooth_accuracy(
    network: nn.Module,
    images: Tensor,
    draws: int,
    pixel_noise: float,
    weight_noise: float,
    rng: torch.Generator,
    at_once: int = 5000,
) -> Tensor:
    """SmoothAcc of each class (Equation 5).

    Args:
        images: pixels [C, M, channels, H, W], slice c taken for class c, on the network's device.
    Returns: [C], shares of noisy pictures that are still taken for their class.
    """
    classes, count = images.shape[:2]
    labels = torch.arange(classes, device=images.device).repeat_interleave(count)
    kept = kept_answers(network, images.flatten(0, 1), labels, draws, pixel_noise, weight_noise, rng, at_once)
    return kept.reshape(classes, count).mean(1)


def _answers(network: nn.Module, weights: dict[str, Tensor], x: Tensor, at_once: int) -> Tensor:
    def work(run: slice) -> Tensor:
        answer: Tensor = functional_call(network, weights, (x[run],)).argmax(1)
        return answer

    return torch.cat(in_chunks(len(x), at_once, work))


def decide(smooth: Tensor, threshold: float, treat_as: str = "detected") -> Finding:
    """Order the classes, and take the target for fixed if the first is ahead of the second by more than `threshold`.

    Args:
        smooth: [C], C >= 2. treat_as: "fixed" or "non-fixed" overrules the gap.
    """
    order = smooth.argsort(descending=True, stable=True)
    gap = float(smooth[order[0]] - smooth[order[1]])
    fixed = {"fixed": True, "non-fixed": False}.get(treat_as, gap > threshold)
    return Finding(smooth, order, gap, fixed)
