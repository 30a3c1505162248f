"""`benchmarks/gpu.py --smoke`: every section runs on any machine, so that none is broken on the day a GPU is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"
SECTIONS = {"steps", "marked", "together", "classes", "rows"}


def test_the_smoke_run_measures_every_section(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--smoke", "--out", str(out)],
        cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert set(figures) == {"machine", *SECTIONS}
    assert figures["together"]["weights equal to the bit"] is True
    assert figures["marked"]["accuracy"]["marked"] is not None
    assert all("error" not in found and len(found) > 1 for name, found in figures.items())


def test_without_a_gpu_the_full_run_says_what_to_do(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    )  # fmt: skip
    assert done.returncode == 2
    assert "--smoke" in done.stdout
    assert "Traceback" not in done.stderr
