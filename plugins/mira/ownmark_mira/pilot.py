"""The paper's two pilot studies, as far as a thief can repeat them: with images of the thief's and recovered pictures.

Source: MIRA paper, Figure 2 (is the network smoother around one class?) and Table 3 (do recovered pictures and images
of the target excite the same neurons?). The paper also looks at the owner's triggers, which no thief has.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ownmark.contracts import Samples
from ownmark_mira.config import SplitConfig
from ownmark_mira.detection import Finding, kept_answers
from ownmark_mira.splitting import feature_layer, features, importance, salient

LEAST = 2
"""Images of the target without which it has no importance to compare."""


def class_means(values: Tensor, labels: Tensor, classes: int) -> list[float]:
    """Mean value of the images of each class; not a number for a class without images. values: [N]. labels: [N]."""
    return [float(values[labels == label].mean()) for label in range(classes)]


def chosen(found: Tensor, saliency: float) -> set[int]:
    """Salient neurons of one set of pictures. found: [M, D]."""
    return set(salient(importance(found[None]), saliency)[0].tolist())


def pilot(
    network: nn.Module,
    recovered: Tensor,
    images: Samples,
    finding: Finding,
    config: SplitConfig,
    rng: torch.Generator,
) -> dict[str, Tensor | float | str]:
    """SmoothAcc of the images, class by class, and salient neurons of pictures and images of the smoothest class.

    Args:
        recovered: pixels [C, M, channels, H, W]. images: labelled.
    """
    device, classes = recovered.device, len(recovered)
    x, labels = images.x.to(device), images.labels.to(device)
    kept = kept_answers(
        network, x, labels, config.draws, config.pixel_noise, config.weight_noise, rng, config.at_once
    )
    smooth = class_means(kept, labels, classes)
    told: dict[str, Tensor | float | str] = {
        "SmoothAcc of images": ", ".join(f"{label}: {value:.2f}" for label, value in enumerate(smooth))
    }
    own = x[labels == finding.target]
    if len(own) >= LEAST:
        layer = config.layer or feature_layer(network, x[:2])
        pictures, normal = (
            chosen(features(network, layer, part, config.at_once), config.saliency)
            for part in (recovered[finding.target], own)
        )
        told |= {
            "salient neurons: of pictures and images": float(len(pictures & normal)),
            "salient neurons: of pictures alone": float(len(pictures - normal)),
        }
    return told
