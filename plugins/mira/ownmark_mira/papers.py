"""The papers of this pack. No torch here."""

from __future__ import annotations

from ownmark.methods import Paper

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
