"""The papers several schemes of this pack come from. No torch here."""

from __future__ import annotations

from ownmark.methods import Paper, Reported

ZHANG = Paper(
    title="Protecting Intellectual Property of Deep Neural Networks with Watermarking",
    authors="Zhang, Gu, Jang, Wu, Stoecklin, Huang, Molloy",
    year=2018,
    venue="AsiaCCS",
    url="https://doi.org/10.1145/3196494.3196550",
)

THREAT_MODEL = "verifier queries the suspect and sees its labels; triggers and their labels are secret"

DEVIATIONS = (
    "poisoning, schedule and target of the APP paper's vanilla rows; Zhang's own settings are not at hand",
    "at least 50 triggers, where 1 % of a small data set would be fewer",
    "triggers are not augmented unless asked for (the APP paper's code augments them)",
)


def vanilla(scheme: str, accuracy: float, wsr: float) -> tuple[Reported, ...]:
    """The APP paper's vanilla row of a scheme before attacks (CIFAR-10, ResNet-18, mean of 3 seeds)."""
    table = "APP paper, Table 1 (Vanilla, NA)"
    return (
        Reported(accuracy, "accuracy", table, "cifar10", "resnet", scheme),
        Reported(wsr, "wsr", table, "cifar10", "resnet", scheme),
    )
