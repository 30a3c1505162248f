"""What a reconstruction tells, as exhibits for the report; the same for both attacks."""

from __future__ import annotations

import json

from torch import Tensor

from ownmark_laundering.cleanse import Reconstruction
from ownmark_laundering.outliers import anomaly, flagged, measured, ranking


def rounded(values: Tensor) -> str:
    """Numbers as a JSON list with three decimals."""
    return json.dumps([round(float(value), 3) for value in values])


def findings(
    found: Reconstruction, index: float, outliers: str = "authors"
) -> dict[str, Tensor | float | str]:
    """Flagged classes; norms (pixels), both anomaly indices and success of every class; masks and triggers."""
    order = ranking(found.norms)
    return {
        "flagged": json.dumps(flagged(found.norms, index, outliers)),
        "most_likely": float(order[0]),
        "least_likely": float(order[-1]),
        "norms": rounded(found.norms),
        "anomaly_indices": rounded(anomaly(found.norms)),
        "anomaly_indices_of_logarithms": rounded(anomaly(measured(found.norms, "log"))),
        "success": rounded(found.accuracy),
        "masks": found.masks,
        "triggers": found.pictures,
    }
