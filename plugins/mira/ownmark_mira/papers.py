"""The papers of this pack, and the figures they print. No torch here."""

from __future__ import annotations

from collections.abc import Mapping

from ownmark.methods import Paper, Reported

MIRA = Paper(
    title="MIRA: Cracking Black-box Watermarking on Deep Neural Networks via Model Inversion-based Removal Attacks",
    authors="Lu, Li, Zhang, Pan, Yang",
    year=2023,
    url="https://arxiv.org/abs/2309.03466",
)

DEEPINVERSION = Paper(
    title="Dreaming to Distill: Data-free Knowledge Transfer via DeepInversion",
    authors="Yin, Molchanov, Alvarez, Li, Mallya, Hoiem, Jha, Kautz",
    year=2020,
    venue="CVPR",
    url="https://arxiv.org/abs/1912.08795",
)

Figures = Mapping[str, tuple[float, float]]
"""Scheme -> accuracy and rescaled watermark accuracy, in percent."""


def cifar10(attack: str, where: str, figures: Figures) -> tuple[Reported, ...]:
    """One row of a table of the MIRA paper, CIFAR-10 with ResNet-18."""
    return tuple(
        Reported(round(value / 100, 4), metric, where, "cifar10", "resnet", scheme, attack)
        for scheme, values in figures.items()
        for metric, value in zip(("accuracy", "rescaled_accuracy"), values, strict=True)
    )
