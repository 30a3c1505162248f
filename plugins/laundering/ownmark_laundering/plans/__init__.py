"""Plans of this pack: the laundering paper's tables and figures, small and at the paper's scale."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, plans_in

_SUMMARIES = {
    "laundering-table2-small": "laundering and Neural Cleanse against fine-tuning at equal budget; digits, minutes",
    "laundering-table2": "the same on MNIST and CIFAR-10 with .6 % and 10.8 % of the data; needs OWNMARK_DATA",
    "laundering-rounds-small": "one to three rounds with 10.8 % of the data down to one image a class; digits, minutes",
    "laundering-cifar-small": "both attacks on 4,000 CIFAR-10 images, a thin ResNet-8, content; needs OWNMARK_DATA",
    "laundering-rounds": "one to ten rounds on MNIST and CIFAR-10; needs OWNMARK_DATA",
    "laundering-settings-small": "what the paper leaves open: statistics, rate, triggers, median reset; digits",
    "laundering-figure5-small": "clean networks' answers to triggers, epoch by epoch (Figure 5); digits",
    "laundering-figure5": "the same on MNIST and CIFAR-10 with the paper's networks; needs OWNMARK_DATA",
    "laundering-mnist-plus": "one to ten rounds on MNIST+ (Figure 3); needs OWNMARK_DATA with EMNIST Letters",
    "laundering-mnist-small": "the paper's networks of Tables 5 and 6 on 6,000 images of MNIST; needs OWNMARK_DATA",
    "laundering-faces-small": "sunglasses on ORL faces in the paper's network (Table 3); needs OWNMARK_DATA",
    "laundering-speech-small": "tones under spoken digits in the paper's network (Table 8); a folder of WAV files",
    "laundering-speech": "the same with larger spectrograms and full reconstructions; a folder of WAV files",
}


@hookimpl
def ownmark_plans() -> Iterable[Declaration]:
    """The plans."""
    return plans_in(__name__, _SUMMARIES)
