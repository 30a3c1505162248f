"""Attention distraction (Zhong et al., ICME 2022), re-derived from its abstract and the MIRA paper's description.

Idea: anchors keep the stolen network's answers to ordinary images; lures, odd images of a class that does not exist,
draw to themselves what the network spends on odd inputs, the mark's triggers among them. The new class is dropped.
Threat model: the thief holds the weights and unlabelled images, in-distribution or not.
Functions: `widened` adds the class, `narrowed` drops it, `scrambled` makes lures, `Anchored` is the loss.
Symbols: images [N, C, H, W] in [0, 1]; logits [B, classes + 1] while training.
Deviations: see the declaration in `__init__` and the method card.
Reported: accuracy / rescaled watermark accuracy, CIFAR-10, 1,000 images: Content 87.4 / 47.5 (MIRA paper).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ownmark.contracts import Attack, Batch, Fit, Samples, Stolen, Suspect, Term, evaluating
from ownmark.errors import NotApplicable
from ownmark_repair.distract.config import DistractConfig
from ownmark_repair.finetune.attack import last_layer


def _final(network: nn.Module, classes: int) -> tuple[nn.Module, str]:
    """The module that holds the last dense layer, and its name there."""
    path = last_layer(network, classes)
    parent, _, name = path.rpartition(".")
    holder = network.get_submodule(parent) if parent else network
    if not isinstance(getattr(holder, name), nn.Linear):
        raise NotApplicable(f"distraction adds a class to the last dense layer, and {path} is none")
    return holder, name


def _resized(layer: nn.Linear, outputs: int) -> nn.Linear:
    made: nn.Linear = nn.utils.skip_init(  # draws nothing
        nn.Linear, layer.in_features, outputs, bias=layer.bias is not None, device=layer.weight.device
    )
    kept = min(outputs, layer.out_features)
    with torch.no_grad():
        for new, old in zip(made.parameters(), layer.parameters(), strict=True):
            new.zero_()[:kept] = old[:kept]
    return made.requires_grad_(layer.weight.requires_grad)


def widened(network: nn.Module, classes: int) -> nn.Module:
    """The network, in place, with one more output, whose weights are zero."""
    holder, name = _final(network, classes)
    setattr(holder, name, _resized(getattr(holder, name), classes + 1))
    return network


def narrowed(network: nn.Module, classes: int) -> nn.Module:
    """The network, in place, without its last output."""
    holder, name = _final(network, classes + 1)
    setattr(holder, name, _resized(getattr(holder, name), classes))
    return network


def scrambled(x: Tensor, blocks: int, rng: torch.Generator) -> Tensor:
    """Images [N, C, H, W] whose blocks change places, each image in its own order; a rest at the edge stays."""
    count, channels, height, width = x.shape
    blocks = min(blocks, height, width)
    rows, columns = height // blocks, width // blocks
    inner = x[:, :, : rows * blocks, : columns * blocks]
    tiles = (
        inner.reshape(count, channels, blocks, rows, blocks, columns).permute(0, 2, 4, 1, 3, 5).flatten(1, 2)
    )
    order = torch.rand(count, blocks * blocks, generator=rng, device=rng.device).argsort(1).to(x.device)
    tiles = tiles[torch.arange(count, device=x.device)[:, None], order]
    shuffled = tiles.reshape(count, blocks, blocks, channels, rows, columns).permute(0, 3, 1, 4, 2, 5)
    made = x.clone()
    made[:, :, : rows * blocks, : columns * blocks] = shuffled.reshape(inner.shape)
    return made


class Anchored:
    """Loss term: KL(stolen || new) on anchors, on the old classes alone, and cross entropy of lures.

    Args:
        stolen: in eval mode, never changed. classes: of the task; the lures' label.
    """

    def __init__(self, stolen: nn.Module, classes: int, weight: float) -> None:
        self._stolen = stolen
        self._classes = classes
        self._weight = weight

    def __call__(self, network: nn.Module, batch: Batch, step: int) -> Tensor:
        """The term; each half is a sum over its rows, divided by the batch's size."""
        logits = batch.output(network).float()
        lure = batch.labels == self._classes
        with evaluating(self._stolen):
            wanted = self._stolen.to(batch.x.device)(batch.x).float().log_softmax(1)
        kept = logits[:, : self._classes].log_softmax(1)
        anchors = F.kl_div(kept, wanted, reduction="none", log_target=True).sum(1)
        lures = F.cross_entropy(logits, torch.full_like(batch.labels, self._classes), reduction="none")
        return torch.where(lure, self._weight * lures, anchors).mean()


def preserving(start: dict[str, Tensor], weight: float) -> Term:
    """Loss term: weight * sum (theta - theta_0)^2 over parameters of unchanged shape."""

    def term(network: nn.Module, batch: Batch, step: int) -> Tensor:
        moved = [
            (value - start[name].to(value)).square().sum()
            for name, value in network.named_parameters()
            if name in start and start[name].shape == value.shape
        ]
        return weight * torch.stack(moved).sum()

    return term


class Distract(Attack):
    """Teaches the stolen network a class of lures, and drops it again."""

    config: DistractConfig

    def check(self, network: nn.Module, shape: tuple[int, int, int], classes: int) -> None:
        """There must be a last dense layer to widen."""
        _final(network, classes)

    def attack(self, stolen: Stolen, fit: Fit, rng: torch.Generator) -> Suspect:
        """Train a copy of the stolen network on anchors and lures."""
        config = self.config
        if config.recipe.epochs == 0:
            return Suspect(stolen.copy())
        anchors, lures = self._images(stolen, rng)
        network = widened(stolen.copy(), stolen.classes)
        start = {name: value.detach().clone() for name, value in network.named_parameters()}
        terms: list[Term] = [Anchored(stolen.network, stolen.classes, config.weight)]
        terms += [preserving(start, config.preserve)] if config.preserve else []
        samples = Samples(anchors, torch.zeros(len(anchors), dtype=torch.int64, device=anchors.device))
        if len(lures):
            labels = torch.full((len(lures),), stolen.classes, dtype=torch.int64, device=lures.device)
            samples = samples + Samples(lures, labels)
        fit(network, samples, config.recipe, terms=terms)
        shown = {"lures": lures[:8].clamp(0, 1)} if len(lures) and lures.shape[1] in (1, 3) else {}
        return Suspect(narrowed(network, stolen.classes).eval(), shown)

    def _images(self, stolen: Stolen, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Anchors and lures."""
        config = self.config
        anchors = stolen.images().x
        both = stolen.data is not None and stolen.transfer is not None
        if config.source == "transfer" and not both:
            raise NotApplicable("lures from transfer images need both data and transfer images to be granted")
        if stolen.transfer is not None and both and config.source != "scrambled":
            return anchors, stolen.transfer.first(config.lures).x.to(anchors)
        chosen = torch.randperm(len(anchors), generator=rng, device=rng.device)[: config.lures]
        return anchors, scrambled(anchors[chosen.to(anchors.device)], config.blocks, rng)
