"""Sources of the pack."""

from __future__ import annotations

from ownmark.methods import Paper

DEEPIPR = Paper(
    title="DeepIP: Deep Neural Network Intellectual Property Protection with Passports",
    authors="Fan, Ng, Chan, Yang",
    year=2021,
    venue="IEEE TPAMI",
    url="https://github.com/kamwoh/DeepIPR",
)
PASSPORT_AWARE = Paper(
    title="Passport-aware Normalization for Deep Model Protection",
    authors="Zhang, Chen, Liao, Zhang, Hua, Yu",
    year=2020,
    venue="NeurIPS",
    url="https://github.com/ZJZAC/Passport-aware-Normalization",
)
TABLE = "Table II of the invariant-neuron-transform paper"
