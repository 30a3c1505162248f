"""Plans that repeat tables of the MIRA paper, small and in its own size."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, plans_in

_SUMMARIES = {
    "mira-table-b1-small": "ten marks before any attack, with theta (Table B.1), on 6,000 images of MNIST",
    "mira-table4-small": "MIRA with 300 labelled images against six marks; digits, minutes on one CPU core",
    "mira-table5-small": "MIRA with unlabelled images of MNIST against marks on digits; needs OWNMARK_DATA",
    "mira-table6-small": "MIRA without images against marks with one target; digits, minutes on one CPU core",
    "mira-detection-small": "does MIRA find the target class? fifteen marked networks on digits (Fig. 4)",
    "mira-table7-small": "MIRA as its detector says, and overruled (Table 7); digits",
    "mira-table8-small": "recovered by MIRA or by DeepInversion, unlearned alike (Table 8); digits",
    "mira-cifar-small": "MIRA on 6,000 CIFAR-10 images with a thin ResNet against content; needs OWNMARK_DATA",
    "mira-table-b1-paper": "MIRA, Table B.1: ten marks with theta on CIFAR-10, 5 runs; GPU days, needs OWNMARK_DATA",
    "mira-table-b1-mnist": "MIRA, Table B.1: ten marks with theta on MNIST, 5 runs; GPU hours, needs OWNMARK_DATA",
    "mira-table4": "MIRA, Table 4: 1000 labelled images, CIFAR-10, ResNet-18; GPU days, needs OWNMARK_DATA",
    "mira-table5": "MIRA, Table 5: 2000 images of CIFAR-100 without labels, CIFAR-10, ResNet-18; GPU days",
    "mira-table6": "MIRA, Table 6: no images, CIFAR-10, ResNet-18; GPU days, needs OWNMARK_DATA",
    "mira-detection": "MIRA, Table 7: the detector and the same overruled, CIFAR-10, ResNet-18; GPU days",
    "mira-table8": "MIRA, Table 8: recovered by MIRA or by DeepInversion, CIFAR-10, ResNet-18; GPU days",
    "mira-soft-selection": "settings of `objective: soft` on the seeds they are chosen on; digits",
    "mira-figure4-small": "does the detector find the target whichever class it is? thirty networks on digits (Fig. 4)",
    "mira-figure5-small": "triggers in the feature space, before and after (Fig. 5); digits",
    "mira-figure5": "MIRA, Figure 5: the feature space before and after, CIFAR-10, ResNet-18; GPU hours",
    "mira-defence-small": "the adaptive defences of the paper's section 7 against MIRA; digits",
    "mira-defence": "MIRA, section 7: the adaptive defences, CIFAR-10, ResNet-18; GPU days",
    "mira-table-c2-small": "Table C.2 on 6,000 images of MNIST: 1000 labelled images; needs OWNMARK_DATA",
    "mira-table-c6-small": "Table C.6 on 6,000 images of MNIST: no images, ten seeds; needs OWNMARK_DATA",
    "mira-mnist-detection-small": "the detector on MNIST in the paper's units and in others; needs OWNMARK_DATA",
    "mira-pilots-small": "the paper's pilot studies (Figure 2, Table 3) with what a thief has; digits",
    "mira-pilots": "MIRA, Figure 2 and Table 3 with what a thief has; CIFAR-10, ResNet-18; a GPU day",
    "mira-figure4": "MIRA, Figure 4: the detector with redrawn targets, CIFAR-10, ResNet-18; GPU days",
    "mira-table-c2": "MIRA, Table C.2: MNIST, LeNet-5, 1000 labelled images; GPU hours, needs OWNMARK_DATA",
    "mira-table-c3": "MIRA, Table C.3: CIFAR-100, ResNet-34, 1000 labelled images; GPU days, needs the hub",
    "mira-table-c4": "MIRA, Table C.4: MNIST, 2000 letters without labels; GPU hours, needs the hub",
    "mira-table-c5": "MIRA, Table C.5: CIFAR-100, 2000 images of CIFAR-10 without labels; GPU days, needs the hub",
    "mira-table-c6": "MIRA, Table C.6: MNIST, LeNet-5, no images; GPU hours, needs OWNMARK_DATA",
    "mira-table-c7": "MIRA, Table C.7: CIFAR-100, ResNet-34, no images; GPU days, needs the hub",
}


@hookimpl
def ownmark_plans() -> Iterable[Declaration]:
    """The plans."""
    return plans_in(__name__, _SUMMARIES)
