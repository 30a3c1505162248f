"""Table 1 of the PST paper: accuracy on normal samples (P_D, mean of 5 runs) and on triggers (P_W, their minimum)."""

from __future__ import annotations

from collections.abc import Mapping

from ownmark.methods import Reported

SCHEMES = ("frontier_stitching", "patch", "content", "adi")
"""The paper's Perturbation, Patch, Content and OOD."""

Row = tuple[float, ...]
"""P_D, P_W of each scheme in turn."""

TABLE: Mapping[str, Mapping[str, Row]] = {
    "cifar10": {
        "BdR": (0.45, 0.36, 0.47, 1.00, 0.46, 0.87, 0.47, 0.11),
        "Shield": (0.67, 0.34, 0.63, 1.00, 0.64, 0.88, 0.66, 0.11),
        "PD": (0.52, 0.56, 0.49, 0.99, 0.55, 0.52, 0.53, 0.15),
        "FD": (0.57, 0.61, 0.58, 1.00, 0.56, 0.70, 0.55, 0.15),
        "GB": (0.54, 0.49, 0.56, 1.00, 0.63, 0.33, 0.66, 0.16),
        "ST": (0.83, 0.53, 0.82, 0.34, 0.83, 0.27, 0.83, 0.17),
        "PST": (0.83, 0.58, 0.82, 0.32, 0.82, 0.24, 0.83, 0.14),
        "FT-In": (0.93, 1.00, 0.92, 1.00, 0.92, 1.00, 0.93, 0.97),
        "FT-Out": (0.91, 0.99, 0.90, 1.00, 0.90, 1.00, 0.91, 0.94),
        "Proposed-In": (0.90, 0.44, 0.89, 0.13, 0.89, 0.17, 0.90, 0.11),
        "Proposed-Out": (0.87, 0.53, 0.87, 0.15, 0.86, 0.15, 0.87, 0.07),
    },
    "cifar100": {
        "BdR": (0.16, 0.05, 0.16, 0.53, 0.16, 0.28, 0.15, 0.00),
        "Shield": (0.30, 0.15, 0.30, 0.94, 0.29, 0.26, 0.32, 0.02),
        "PD": (0.25, 0.40, 0.24, 0.71, 0.25, 0.12, 0.23, 0.04),
        "FD": (0.33, 0.20, 0.32, 0.90, 0.32, 0.22, 0.32, 0.03),
        "GB": (0.39, 0.15, 0.40, 0.82, 0.43, 0.01, 0.43, 0.02),
        "ST": (0.60, 0.32, 0.60, 0.37, 0.61, 0.14, 0.60, 0.03),
        "PST": (0.60, 0.28, 0.60, 0.30, 0.61, 0.11, 0.60, 0.02),
        "FT-In": (0.75, 1.00, 0.75, 1.00, 0.75, 1.00, 0.74, 1.00),
        "FT-Out": (0.72, 0.98, 0.71, 1.00, 0.72, 1.00, 0.72, 0.99),
        "Proposed-In": (0.69, 0.17, 0.69, 0.09, 0.69, 0.05, 0.69, 0.02),
        "Proposed-Out": (0.63, 0.15, 0.63, 0.08, 0.64, 0.04, 0.63, 0.01),
    },
}


def reported(attack: str, *names: str) -> tuple[Reported, ...]:
    """The rows `names` as figures of the attack with that id."""
    found = []
    for dataset, table in TABLE.items():
        for name in names:
            where = f"PST paper, Table 1 ({name})"
            for scheme, utility, rate in zip(SCHEMES, table[name][::2], table[name][1::2], strict=True):
                place = (where, dataset, "resnet", scheme, attack)
                found += [Reported(utility, "accuracy", *place), Reported(rate, "evidence", *place)]
    return tuple(found)
