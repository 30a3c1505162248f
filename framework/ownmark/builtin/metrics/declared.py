"""Declarations of the metrics."""

from __future__ import annotations

from ownmark.methods import Declaration, Kind, Need, Paper

_HERE = "ownmark.builtin.metrics"
_SOK = Paper(
    title="SoK: How Robust is Image Classification Deep Neural Network Watermarking?", authors="Lukas et al.",
    year=2022, venue="IEEE S&P", url="https://arxiv.org/abs/2108.04974",
)  # fmt: skip


def _metric(id: str, target: str, need: Need, summary: str) -> Declaration:
    return Declaration(
        id=id, kind=Kind.METRIC, target=f"{_HERE}.{target}", needs=frozenset({need}), summary=summary, api=2
    )


METRICS = (
    _metric("accuracy", "proportions:Accuracy", Need.PREDICTIONS, "share of images classified correctly"),
    _metric("agreement", "proportions:Agreement", Need.REFERENCE, "share of images classified as the host does"),
    _metric("watermark_accuracy", "proportions:WatermarkAccuracy", Need.EVIDENCE, "share of symbols that match"),
    _metric("bit_error_rate", "proportions:BitErrorRate", Need.EVIDENCE, "share of symbols that do not match"),
    Declaration(
        id="rescaled_accuracy", kind=Kind.METRIC, target=f"{_HERE}.rescaled:RescaledAccuracy",
        config=f"{_HERE}.config:RescaledConfig", needs=frozenset({Need.THRESHOLD}), paper=_SOK,
        summary="watermark accuracy with the decision threshold moved to one half",
    ),
    _metric(
        "relative_weight_distance", "weights:RelativeWeightDistance", Need.WEIGHTS,
        "distance of the suspect's weights from the marked model's, over the norm of the latter",
    ),
)  # fmt: skip
