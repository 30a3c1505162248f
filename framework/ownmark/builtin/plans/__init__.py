"""Plans that ship with the core."""

from __future__ import annotations

from ownmark.methods import plans_in

_SUMMARIES = {
    "quickstart": "four schemes x (none, prune, finetune) on digits; no download, about a minute",
    "first-look": "the same on MNIST with LeNet-5 and on CIFAR-10 (small) with a thin ResNet; needs OWNMARK_DATA",
}

PLANS = plans_in(__name__, _SUMMARIES)
