"""The examples run as they stand, and the README shows them as they are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def run(script: str, folder: Path) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, script], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("examples")
    for path in EXAMPLES.glob("*.py"):
        shutil.copy(path, into)
    return into


def test_a_model_trained_without_ownmark_is_marked_and_recognised(folder: Path) -> None:
    assert "ownmark" not in (EXAMPLES / "train.py").read_text().split('"""')[2]
    accuracy = float(run("train.py", folder).split()[-1])
    assert accuracy > 0.95
    said = run("mark.py", folder)
    before, after = _two(said)
    assert before - after <= 0.01 + 1e-9
    released = torch.load(folder / "released.pt", weights_only=True)
    assert list(released) == list(torch.load(folder / "model.pt", weights_only=True))
    assert "CLAIM: ownership" in run("verify.py", folder)


def _two(said: str) -> tuple[float, float]:
    first = said.splitlines()[0].replace(",", "").split()
    return float(first[1]), float(first[3])


def test_marking_takes_15_lines_and_verifying_3() -> None:
    marking = (EXAMPLES / "mark.py").read_text().split('"""')[2]
    assert len([line for line in marking.splitlines() if line.strip()]) <= 15
    assert len((EXAMPLES / "verify.py").read_text().splitlines()) <= 3


def test_the_readme_shows_the_examples_as_they_are() -> None:
    readme = (ROOT / "README.md").read_text()
    for name in ("mark.py", "verify.py"):
        code = (EXAMPLES / name).read_text()
        assert (code.split('"""')[2] if '"""' in code else code).strip() in readme
