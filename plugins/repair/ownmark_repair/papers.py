"""The papers whose baselines this pack holds. No torch here."""

from __future__ import annotations

from ownmark.methods import Paper

APP = Paper(
    title="Towards Robust Model Watermark via Reducing Parametric Vulnerability",
    authors="Gan, Li, Wu, Xia",
    year=2023,
    venue="ICCV",
    url="https://arxiv.org/abs/2309.04777",
)

MIRA = Paper(
    title="MIRA: Cracking Black-box Watermarking on Deep Neural Networks via Model Inversion-based Removal Attacks",
    authors="Lu, Li, Zhang, Pan, Yang",
    year=2023,
    url="https://arxiv.org/abs/2309.03466",
)
