"""The papers of this pack. No torch here."""

from __future__ import annotations

from ownmark.methods import Paper

PST = Paper(
    title="The Hidden Vulnerability of Watermarking for Deep Neural Networks",
    authors="Guo, Zhang, Qiu, Zeng, Xiang, Liu",
    year=2020,
    url="https://arxiv.org/abs/2009.08697",
)

SQUEEZING = Paper(
    title="Feature Squeezing: Detecting Adversarial Examples in Deep Neural Networks",
    authors="Xu, Evans, Qi",
    year=2018,
    venue="NDSS",
    url="https://arxiv.org/abs/1704.01155",
)

SHIELD = Paper(
    title="SHIELD: Fast, Practical Defense and Vaccination for Deep Learning using JPEG Compression",
    authors="Das et al.",
    year=2018,
    venue="KDD",
    url="https://arxiv.org/abs/1802.06816",
)

DEFLECTION = Paper(
    title="Deflecting Adversarial Attacks with Pixel Deflection",
    authors="Prakash, Moran, Garber, DiLillo, Storer",
    year=2018,
    venue="CVPR",
    url="https://arxiv.org/abs/1801.08926",
)

DISTILLATION = Paper(
    title="Feature Distillation: DNN-Oriented JPEG Compression Against Adversarial Examples",
    authors="Liu et al.",
    year=2019,
    venue="CVPR",
    url="https://arxiv.org/abs/1803.05787",
)

CORRUPTIONS = Paper(
    title="Benchmarking Neural Network Robustness to Common Corruptions and Perturbations",
    authors="Hendrycks, Dietterich",
    year=2019,
    venue="ICLR",
    url="https://arxiv.org/abs/1903.12261",
)

SOK = Paper(
    title="SoK: How Robust is Image Classification Deep Neural Network Watermarking?",
    authors="Lukas, Jiang, Li, Kerschbaum",
    year=2022,
    venue="S&P",
    url="https://arxiv.org/abs/2108.04974",
)

SHAFIEINEJAD = Paper(
    title="On the Robustness of Backdoor-based Watermarking in Deep Neural Networks",
    authors="Shafieinejad, Lukas, Wang, Li, Kerschbaum",
    year=2021,
    venue="IH&MMSec",
    url="https://arxiv.org/abs/1906.07745",
)
