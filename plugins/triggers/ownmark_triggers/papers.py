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


def mira(scheme: str, *rows: tuple[float, float]) -> tuple[Reported, ...]:
    """MIRA's rows of a scheme before attacks: every trigger known, 20 null models, a rate of .05.

    Args:
        rows: accuracy and theta on MNIST (LeNet-5), CIFAR-10 (ResNet-18) and CIFAR-100 (ResNet-34).
    """
    tasks = (("mnist", "lenet5"), ("cifar10", "resnet"), ("cifar100", "resnet"))
    return tuple(
        Reported(value, metric, "MIRA paper, Table B.1", dataset, host, scheme)
        for (dataset, host), (accuracy, theta) in zip(tasks, rows, strict=True)
        for metric, value in (("accuracy", accuracy), ("evidence", 1.0), ("theta", theta))
    )


def pst(scheme: str) -> tuple[Reported, ...]:
    """The PST paper's row "None": 0.92 and every trigger known on CIFAR-10 (ResNet, 5 runs)."""
    table = "PST paper, Table 1 (None)"
    return (
        Reported(0.92, "accuracy", table, "cifar10", "resnet", scheme),
        Reported(1.0, "evidence", table, "cifar10", "resnet", scheme),
    )
