"""How far a network's confidence is from its accuracy."""

from __future__ import annotations

from collections.abc import Iterable

from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need


@hookimpl
def ownmark_metrics() -> Iterable[Declaration]:
    """The metric."""
    return [
        Declaration(
            id="calibration_error",
            kind=Kind.METRIC,
            target="acme_marks.calibration_error.metric:CalibrationError",
            config="acme_marks.calibration_error.config:CalibrationErrorConfig",
            summary="expected calibration error of the suspect's probabilities",
            needs=frozenset({Need.PREDICTIONS}),
            api=2,
        )
    ]
