"""The papers of this pack. No torch here."""

from __future__ import annotations

from ownmark.methods import Paper

NNL = Paper(
    title="Neural Network Laundering: Removing Black-Box Backdoor Watermarks from Deep Neural Networks",
    authors="Aiken, Kim, Woo",
    year=2020,
    url="https://arxiv.org/abs/2004.11368",
)

CLEANSE = Paper(
    title="Neural Cleanse: Identifying and Mitigating Backdoor Attacks in Neural Networks",
    authors="Wang, Yao, Shan, Li, Viswanath, Zheng, Zhao",
    year=2019,
    venue="S&P",
    url="https://doi.org/10.1109/SP.2019.00031",
)
