"""The paper, and the figures that it reports; imports no torch."""

from __future__ import annotations

from ownmark.methods import Paper, Reported

INVARIANCE = Paper(
    title='"And Then There Were None": Cracking White-box DNN Watermarks via Invariant Neuron Transforms',
    authors="Yan, Pan, Wang, Zhang, Yang",
    year=2022,
    url="https://arxiv.org/abs/2205.00199",
)

TABLE = "Table II of the invariant-neuron-transform paper"

HOMES = {
    "uchida": ("cifar10", "wide_resnet"),
    "riga": ("celeba", "inception_v3"),
    "ipr_gan": ("cub200", "dcgan"),
    "greedy_residuals": ("caltech256", "resnet"),
    "lottery": ("cifar100", "resnet"),
    "deepsigns": ("cifar10", "wide_resnet"),
    "ipr_ic": ("coco", "captioner"),
    "deepipr": ("cifar100", "resnet"),
    "passport_aware": ("cifar100", "resnet"),
}
"""Scheme -> data set and network on which the paper attacked it."""

BER = {
    "neuron_scale": (0.4688, 0.4418, 0.0, 0.0273, 0.0, 0.4750, 0.0, 0.4828, 0.2205),
    "layer_shuffle": (0.5438, 0.3366, 0.4688, 0.4766, 0.4839, 0.5188, 0.4813, 0.5043, 0.5054),
    "sign_flip": (0.6625, 0.5203, 0.5, 0.5195, 0.0, 0.5938, 0.5, 0.5, 0.4477),
    "unified": (0.5063, 0.4978, 0.5246, 0.5234, 0.4839, 0.5063, 0.5125, 0.5215, 0.5173),
}
"""Attack -> bit error rate of each scheme of `HOMES`, in its order (Table II)."""


def reported(attack: str) -> tuple[Reported, ...]:
    """Share of bits that match after `attack`, for each scheme."""
    return tuple(
        Reported(round(1 - ber, 4), "evidence", TABLE, *home, scheme, attack)
        for (scheme, home), ber in zip(HOMES.items(), BER[attack], strict=True)
    )
