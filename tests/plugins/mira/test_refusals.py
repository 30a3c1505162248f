"""What cannot be attacked is refused when the plan is read, with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from ownmark.errors import PlanError
from ownmark.runner.session import prepare


@pytest.mark.parametrize(
    ("attacks", "reason"),
    [
        ("[{mira: {}, given: {data: none}}]", "needs images"),
        ("[{deepinversion: {}, given: {data: none}}]", "needs images"),
        ("[{mira: {layer: nowhere}}]", "no module 'nowhere'"),
        ("[{mira_data_free: {std: [0.2, 0.2, 0.2]}}]", "the images have 1 channels"),
    ],
    ids=["mira without images", "deepinversion without images", "unknown layer", "units of colour images"],
)
def test_plan_is_refused_before_training(attacks: str, reason: str, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(f"tasks: [{{dataset: digits, host: convnet}}]\nschemes: [content]\nattacks: {attacks}\n")
    with pytest.raises(PlanError, match=reason):
        prepare(plan, tmp_path / "run", tmp_path / "store", "cpu", None, None)
    assert not any((tmp_path / "store").rglob("*.safetensors"))
