"""The papers whose attacks and baselines this pack holds. No torch here."""

from __future__ import annotations

from ownmark.methods import Paper, Reported

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

FINE_PRUNING = Paper(
    title="Fine-Pruning: Defending Against Backdooring Attacks on Deep Neural Networks",
    authors="Liu, Dolan-Gavitt, Garg",
    year=2018,
    venue="RAID",
    url="https://arxiv.org/abs/1805.12185",
)

REFIT = Paper(
    title="REFIT: A Unified Watermark Removal Framework for Deep Learning Systems with Limited Data",
    authors="Chen, Wang, Bender, Ding, Jia, Li, Song",
    year=2021,
    venue="AsiaCCS",
    url="https://arxiv.org/abs/1911.07205",
)

REGULARIZATION = Paper(
    title="On the Robustness of Backdoor-based Watermarking in Deep Neural Networks",
    authors="Shafieinejad, Lukas, Wang, Li, Kerschbaum",
    year=2021,
    venue="IH&MMSec",
    url="https://arxiv.org/abs/1906.07745",
)

DISTRACTION = Paper(
    title="Attention Distraction: Watermark Removal through Continual Learning with Selective Forgetting",
    authors="Zhong et al.",
    year=2022,
    venue="ICME",
    url="https://arxiv.org/abs/2204.01934",
)

ANP = Paper(
    title="Adversarial Neuron Pruning Purifies Backdoored Deep Models",
    authors="Wu, Wang",
    year=2021,
    venue="NeurIPS",
    url="https://arxiv.org/abs/2110.14430",
)

NAD = Paper(
    title="Neural Attention Distillation: Erasing Backdoor Triggers from Deep Neural Networks",
    authors="Li, Lyu, Koren, Lyu, Li, Ma",
    year=2021,
    venue="ICLR",
    url="https://arxiv.org/abs/2101.05930",
)

MCR = Paper(
    title="Bridging Mode Connectivity in Loss Landscapes and Adversarial Robustness",
    authors="Zhao, Chen, Das, Ramamurthy, Lin",
    year=2020,
    venue="ICLR",
    url="https://arxiv.org/abs/2005.00060",
)

SOK = Paper(
    title="SoK: How Robust is Image Classification Deep Neural Network Watermarking?",
    authors="Lukas, Jiang, Li, Kerschbaum",
    year=2022,
    venue="S&P",
    url="https://arxiv.org/abs/2108.04974",
)

_VANILLA = {
    "finetune": (0.5678, 0.2838, 0.1882),
    "fine_prune": (0.7458, 0.2821, 0.2461),
    "anp": (0.2534, 0.1452, 0.2231),
    "nad": (0.4814, 0.0388, 0.0276),
    "mcr": (0.1656, 0.1099, 0.1091),
}
"""Attack -> fresh triggers left of content, noise, unrelated (CIFAR-10, ResNet-18)."""
_ACCURACY = {
    "finetune": (0.9180, 0.9200, 0.9153),
    "fine_prune": (0.9219, 0.9212, 0.9191),
    "anp": (0.9015, 0.8987, 0.9016),
    "nad": (0.9039, 0.9059, 0.8916),
    "mcr": (0.8927, 0.8941, 0.8822),
}
_HARDENED = {"finetune": 0.9663, "fine_prune": 0.9844, "anp": 0.9956, "nad": 0.9076, "mcr": 0.8465}
"""Attack -> fresh triggers left of content that APP embedded."""


def app_figures(attack: str) -> tuple[Reported, ...]:
    """What the APP paper's Tables 1 and 4 print for one attack."""
    place = ("cifar10", "resnet")
    found = []
    for scheme, wsr, accuracy in zip(
        ("content", "noise", "unrelated"), _VANILLA[attack], _ACCURACY[attack], strict=True
    ):
        found.append(Reported(wsr, "wsr", "APP paper, Table 1 (Vanilla)", *place, scheme, attack))
        found.append(Reported(accuracy, "accuracy", "APP paper, Table 4 (Vanilla)", *place, scheme, attack))
    found.append(
        Reported(_HARDENED[attack], "wsr", "APP paper, Table 1 (Ours, Content)", *place, "app", attack)
    )
    return tuple(found)
