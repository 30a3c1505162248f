"""The papers of this pack. No torch here."""

from __future__ import annotations

from ownmark.methods import Paper

APP = Paper(
    title="Towards Robust Model Watermark via Reducing Parametric Vulnerability",
    authors="Gan, Li, Wu, Xia",
    year=2023,
    venue="ICCV",
    url="https://arxiv.org/abs/2309.04777",
)

CERTIFIED = Paper(
    title="Certified Neural Network Watermarks with Randomized Smoothing",
    authors="Bansal, Chiang, Curry, Jain, Wigington, Manjunatha, Dickerson, Goldstein",
    year=2022,
    venue="ICML",
    url="https://arxiv.org/abs/2207.07972",
)

THREAT_MODEL = "verifier queries the suspect and sees its labels; the thief changes the weights"
