"""Plans of this pack: the APP paper's tables and figures, small and at its scale."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, plans_in
from ownmark_robust.papers import APP

_SUMMARIES = {
    "app-digits": "vanilla and app under fine-tuning, their landscapes and features; digits, a minute",
    "app-table1-digits": "Table 1, Content, six attacks; digits, minutes on a CPU",
    "app-table1-small": "Table 1, Content, six attacks, controls, landscapes; 4,000 photographs; needs OWNMARK_DATA",
    "app-table3-small": "Table 3, the parts of app, on the same; needs OWNMARK_DATA",
    "app-figure1-small": "Figures 1 and 9, vanilla and app side by side, on the same; needs OWNMARK_DATA",
    "app-figure7-small": "Figure 7, hidden features by t-SNE, on the same; needs OWNMARK_DATA",
    "app-table7-small": "Table 7 and Figure 5, the length of the perturbation, on the same; needs OWNMARK_DATA",
    "app-table11-small": "Table 11, fine-tuning rates against rose, ntl, cae, app, on the same; needs OWNMARK_DATA",
    "app-table12-small": "Table 12, adversarially trained hosts, on the same data; needs OWNMARK_DATA",
    "app-figure10-small": "Figures 10 and 11, mcr and anp against their thresholds, on the same; needs OWNMARK_DATA",
    "app-table5-small": "Table 5 on 11,000 photographs of 100 classes; needs OWNMARK_DATA",
    "app-table8-small": "Tables 8 and 9, target labels, on the photographs of app-table1-small; needs OWNMARK_DATA",
    "app-table10-small": "Table 10, a narrow MobileNetV2, on the same; needs OWNMARK_DATA",
    "app-figure6-small": "Figures 6 and 16, four narrow architectures, on the same; needs OWNMARK_DATA",
    "app-figure8-small": "Figure 8, opacity and size of triggers, on the same; needs OWNMARK_DATA",
    "app-figure12-small": "Figures 12 and 13 on 100 classes; needs OWNMARK_DATA",
    "app-table1": "Tables 1 and 4, Figures 1 and 9 at the paper's scale; GPU days, needs OWNMARK_DATA",
    "app-table2": "Tables 2 and 6 on 100 classes of ImageNet; GPU weeks, needs `ownmark[hub]`",
    "app-table3": "Table 3, the parts of app, at the paper's scale; GPU days, needs OWNMARK_DATA",
    "app-table5": "Table 5 on CIFAR-100; GPU days, needs `ownmark[hub]`",
    "app-table7": "Table 7 and Figure 5 at the paper's scale; GPU days, needs OWNMARK_DATA",
    "app-table8": "Tables 8 and 9, target labels, at the paper's scale; GPU days, needs OWNMARK_DATA",
    "app-table10": "Table 10, MobileNetV2, at the paper's scale; GPU days, needs OWNMARK_DATA",
    "app-table11": "Table 11, fine-tuning rates, at the paper's scale; GPU hours, needs OWNMARK_DATA",
    "app-table12": "Table 12, adversarially trained hosts, at the paper's scale; GPU weeks, needs OWNMARK_DATA",
    "app-figure7": "Figures 7 and 21 to 24 at the paper's scale; GPU days, needs OWNMARK_DATA",
    "app-figure6": "Figures 6 and 16, architectures, at the paper's scale; GPU days, needs OWNMARK_DATA",
    "app-figure8": "Figure 8, opacity and size of triggers, at the paper's scale; GPU days, needs OWNMARK_DATA",
    "app-figure10": "Figures 10 and 11 at the paper's scale; GPU days, needs OWNMARK_DATA",
    "app-figure12": "Figures 12 and 13 on CIFAR-100; GPU days, needs `ownmark[hub]`",
}


@hookimpl
def ownmark_plans() -> Iterable[Declaration]:
    """The plans."""
    return plans_in(__name__, _SUMMARIES, APP)
