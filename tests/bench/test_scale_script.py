"""`benchmarks/scale.py`: waits are counted as they are, and every section runs at a small size."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "scale.py"


@pytest.fixture(scope="module")
def scale() -> Any:
    spec = importlib.util.spec_from_file_location("scale", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["scale"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SPANS: dict[str, tuple[list[tuple[float, float]], float, int]] = {
    "two workers, never idle": ([(0, 1), (0, 2), (1, 3), (2, 3)], 0.0, 0),
    "one starts late": ([(0, 4), (1, 2), (2, 4)], 1 / 8, 1),
    "a pause in the middle": ([(0, 1), (0, 2), (1.5, 2), (2, 4), (2, 4)], 0.5 / 8, 1),
    "two pauses": ([(0, 1), (0, 4), (1.5, 2), (2.5, 4)], 1 / 8, 2),
    "a pause too short to count": ([(0, 2), (0, 1), (1.1, 2)], 0.1 / 4, 0),
    "nothing left for the second": ([(0, 4), (0, 1)], 0.0, 0),
}


@pytest.mark.parametrize("case", SPANS)
def test_waits_are_times_in_which_a_worker_has_nothing_though_a_stage_is_ready(scale: Any, case: str) -> None:
    spans, share, waits = SPANS[case]
    idle, counted = scale.idleness(spans, 2, 0.0)
    assert idle == pytest.approx(share)
    assert counted == waits


@pytest.mark.slow
def test_the_smoke_run_measures_every_section(tmp_path: Path, scale: Any) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--smoke", "--out", "figures.json"],
        cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert set(figures) == set(scale.SECTIONS)
    assert all(figures.values())


def test_a_section_that_is_none_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "sleeps"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "no section sleeps; there are sleep, start, trainings, cells" in done.stderr
