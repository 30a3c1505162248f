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


def mira(scheme: str, mnist: float, cifar10: float, cifar100: float | None = None) -> tuple[Reported, ...]:
    """MIRA's rows of a scheme before attacks: accuracy; every trigger known (LeNet-5, ResNet-18 and -34)."""
    table = "MIRA paper, Table B.1"
    rows = (("mnist", "lenet5", mnist), ("cifar10", "resnet", cifar10), ("cifar100", "resnet", cifar100))
    return tuple(
        Reported(value, metric, table, dataset, host, scheme)
        for dataset, host, accuracy in rows
        if accuracy is not None
        for metric, value in (("accuracy", accuracy), ("evidence", 1.0))
    )


def pst(scheme: str) -> tuple[Reported, ...]:
    """The PST paper's row "None": 0.92 and every trigger known on CIFAR-10 (ResNet, 5 runs)."""
    table = "PST paper, Table 1 (None)"
    return (
        Reported(0.92, "accuracy", table, "cifar10", "resnet", scheme),
        Reported(1.0, "evidence", table, "cifar10", "resnet", scheme),
    )
