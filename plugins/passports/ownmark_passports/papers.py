"""Sources of the pack."""

from __future__ import annotations

from ownmark.methods import Paper, Reported

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
TABLE_I = "Table I of the invariant-neuron-transform paper"
TABLE_III = "Table III of the invariant-neuron-transform paper"
HOME = ("cifar100", "resnet")
TRANSFORMS = ("neuron_scale", "layer_shuffle", "sign_flip", "unified")
WORN = {0: 0.0, 0.0625: 0.0804, 0.125: 0.1646, 0.25: 0.3028, 0.5: 0.4583, 1: 0.5096}
"""Alpha -> wrong bits of passport-aware normalisation (Table III)."""


def table_one() -> tuple[Reported, ...]:
    """Both schemes' row: 1 where an attack succeeds, by removing the mark or, with a forged key, by a claim."""
    removed = {"prune": 0.0, "finetune": 0.0, "overwrite": 0.0, "unified": 1.0}
    figures = (Reported(value, "removed", TABLE_I, attack=attack) for attack, value in removed.items())
    return (*figures, Reported(0.0, "forged_claim", TABLE_I, attack="ambiguity"))


def table_two(scheme: str, private: tuple[float, ...]) -> tuple[Reported, ...]:
    """Accuracy of the private branch after each of `TRANSFORMS`."""
    return tuple(
        Reported(value, "private_accuracy", TABLE, *HOME, scheme, attack)
        for attack, value in zip(TRANSFORMS, private, strict=True)
    )


def table_three(scheme: str) -> tuple[Reported, ...]:
    """Share of right bits and accuracy of the private branch for each alpha of the unified attack."""
    found = []
    for alpha, wrong in WORN.items():
        place = (TABLE_III, *HOME, scheme, f"unified(alpha={alpha:g})")
        found.append(Reported(round(1 - wrong, 4), "evidence", *place))
        found.append(Reported(0.01 if alpha else 0.7273, "private_accuracy", *place))
    return tuple(found)
