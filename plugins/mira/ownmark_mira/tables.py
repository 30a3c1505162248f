"""The figures that the MIRA paper prints, by table and by the name that the row has in our plans. No torch here.

Clean accuracy / rescaled watermark accuracy, in percent; the first five marks have one target.
"""

from __future__ import annotations

from collections.abc import Iterator

from ownmark.methods import Reported

SCHEMES = (
    "content", "noise", "unrelated", "piracy", "ewe",
    "adi", "frontier_stitching", "exponential_weighting", "blind", "guo",
)  # fmt: skip
HOSTS = {"mnist": "lenet5", "cifar10": "resnet"}

TABLES = {
    ("Table 4", "cifar10"): {
        "mira (basic)": "88.8/44.7 88.1/5.7 88.1/44.9 83.3/44.0 89.0/48.2"
        " 84.1/51.6 86.4/44.9 85.2/52.1 84.1/58.5 83.0/50.7",
        "mira": "93.1/45.8 93.1/5.7 92.7/44.9 91.4/41.5 93.3/47.6"
        " 86.0/49.3 88.1/44.3 88.2/46.3 90.1/46.2 88.5/47.2",
    },
    ("Table 5", "cifar10"): {
        "mira (basic, transfer)": "85.5/49.8 85.3/6.7 80.0/46.0 82.4/45.2 88.2/50.8"
        " 80.8/54.5 84.6/48.1 82.1/58.5 80.2/62.0 84.0/55.9",
        "mira (transfer)": "92.5/47.0 92.3/5.7 92.7/48.2 90.1/47.1 92.6/49.7"
        " 80.4/59.8 86.2/47.4 83.5/49.8 88.8/46.8 87.0/49.5",
    },
    ("Table 6", "cifar10"): {"mira_data_free": "89.8/45.8 88.6/5.7 88.8/46.0 90.0/39.6 90.7/48.3"},
    ("Table 7", "cifar10"): {
        "mira(treat_as=fixed)": "93.1/45.8 - - 91.4/41.5 - 92.0/96.5 88.8/93.7",
        "mira(treat_as=non-fixed)": "90.7/44.2 - - 88.9/40.3 - 86.0/49.3 88.1/44.3",
    },
    ("Table 8", "cifar10"): {"deepinversion": "91.3/68.7 - - - 91.2/99.0 84.3/49.3"},
    ("Table C.2", "mnist"): {
        "mira (basic)": "96.7/50.6 96.7/44.6 93.8/45.2 96.3/37.4 97.1/49.9"
        " 96.7/49.5 96.9/46.4 95.9/53.9 96.1/49.2 96.9/52.9",
        "mira": "96.7/50.6 96.7/44.6 93.8/45.2 96.3/37.4 97.1/49.9"
        " 96.7/49.5 96.9/46.4 95.9/53.9 96.1/49.2 96.9/52.9",
    },
    ("Table C.4", "mnist"): {
        "mira (basic, transfer)": "83.2/54.1 96.3/46.3 95.4/51.2 96.9/42.3 97.0/53.4"
        " 94.8/61.2 90.9/55.3 90.3/75.4 91.8/64.4 90.8/84.0",
        "mira (transfer)": "96.8/53.1 98.6/44.6 97.3/45.2 98.1/36.0 97.9/49.9"
        " 95.8/60.6 90.6/51.1 92.3/62.4 91.9/62.7 91.1/61.9",
    },
    ("Table C.6", "mnist"): {"mira_data_free": "93.2/49.6 97.8/44.1 89.3/47.9 97.3/36.0 94.5/49.9"},
}  # fmt: skip
"""Of Table 6 the copy at hand is damaged, and its best reading is given; Table C.2 prints one row twice. Those of
CIFAR-100 (C.3, C.5, C.7) are left out: plans take it from the hub, whose data sets share one id."""


def reported(attack: str) -> Iterator[Reported]:
    """Every figure of the attack with that id."""
    for (table, dataset), lines in TABLES.items():
        for name, figures in lines.items():
            if name.partition("(")[0].strip() != attack:
                continue
            for scheme, pair in zip(SCHEMES, figures.split(), strict=False):
                place = (f"MIRA paper, {table}", dataset, HOSTS[dataset], scheme, name)
                values = () if pair == "-" else map(float, pair.split("/"))
                for metric, value in zip(("accuracy", "rescaled_accuracy"), values, strict=False):
                    yield Reported(round(value / 100, 4), metric, *place)
