"""Plans of the pack; those on CIFAR need OWNMARK_DATA."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, plans_in

_SUMMARIES = {
    "invariance-alpha": "bit errors against the share of neurons changed, by each transform (Figures 4 to 6, 8, 9)",
    "invariance-alpha-cifar": "the same on CIFAR-10: uchida, its filters averaged over outputs and over inputs",
    "invariance-combined": "the unified attack before fine-tuning and pruning, read with and without `align`",
    "invariance-figures-paper": "bits and private accuracy against alpha with ResNet-18 (Figures 6, 9)",
    "invariance-overwrite-paper": "overwriting at no cost (Section VII-C) with ResNet-18, on a part of CIFAR-100",
    "invariance-overwrite-small": "overwriting at no cost (Section VII-C): the attacker's message, on digits",
    "invariance-table1-small": "Table I, small: which attack breaks which scheme, and whose claim succeeds, on digits",
    "invariance-table1-paper": "rows of Table I at the size of the paper: wide ResNet on CIFAR-10",
    "invariance-table1-resnet18": "the ResNet-18 rows of Table I, on a part of CIFAR-100",
    "invariance-table2-small": "Table II, small: schemes on digits, each transform and all, with and without `align`",
    "invariance-table2-paper": "rows of Table II at the size of the paper: wide ResNet on CIFAR-10",
    "invariance-table2-generative": "the rows of Table II that classify nothing, small: a DCGAN and a captioner",
    "invariance-table2-resnet18": "the ResNet-18 rows of Table II, on a part of CIFAR-100",
    "invariance-table3-small": "Table III, small: a signature against the share of neurons changed, on digits",
    "invariance-table3-paper": "Table III with ResNet-18, on a part of CIFAR-100",
}


@hookimpl
def ownmark_plans() -> Iterable[Declaration]:
    """The plans."""
    return plans_in(__name__, _SUMMARIES)
