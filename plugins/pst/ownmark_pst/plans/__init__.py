"""The PST paper's table and figures as plans."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, plans_in
from ownmark_pst.papers import PST

_SUMMARIES = {
    "pst-table1-small": "Table 1 of the PST paper on 6,000 MNIST images; needs OWNMARK_DATA",
    "pst-table1-digits": "its main rows on digits for three seeds, and three ways to label; no download",
    "pst-table1-seeds": "its rows of PST and fine-tuning for three seeds and three schemes; needs OWNMARK_DATA",
    "pst-cifar-small": "every attack of the pack once on 4,000 CIFAR-10 images, content; needs OWNMARK_DATA",
    "pst-table1-paper": "Table 1 of the PST paper, CIFAR-10 with ResNet-18; needs OWNMARK_DATA and a GPU",
    "pst-sweeps-small": "PST on digits: displacement bound and number of unlabelled images (Figures 6, 7); no download",
    "pst-figure5-small": "PST on digits, ten seeds: how often each mark falls below tau (Figure 5); no download",
    "pst-table1-cifar100": "Table 1 of the PST paper, CIFAR-100 with ResNet-18; needs the hub and a GPU",
    "pst-figure5": "Figure 5 of the PST paper, ten runs on CIFAR-10; needs OWNMARK_DATA and a GPU",
    "pst-figure6": "Figure 6 of the PST paper, CIFAR-10: number of images; needs OWNMARK_DATA and a GPU",
    "pst-figure7": "Figure 7 of the PST paper, CIFAR-100: displacement bound; needs the hub and a GPU",
}


@hookimpl
def ownmark_plans() -> Iterable[Declaration]:
    """The plans."""
    return plans_in(__name__, _SUMMARIES, PST)
