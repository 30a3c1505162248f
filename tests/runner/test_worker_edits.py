"""Sources edited under a worker: whatever it was doing, no entry gets the digest of other code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PLAN = """
tasks: [{dataset: dots, host: dot}]
schemes: [{id: sleepy, sweep: {number: [%s]}, params: {seconds: 0.01}}]
verdict: {null_models: 1, keys: 1}
"""


def edited(folder: Path, edits: int, seed: int) -> dict[str, dict[str, int]]:
    shutil.copytree(HERE / "site", folder / "site")
    info = folder / "site" / "sleepy_marks-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sleepy-marks\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[ownmark]\nsleepy = sleepy_marks\n")
    (folder / "plan.yaml").write_text(PLAN % ", ".join(map(str, range(400))))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder / "site"), os.environ.get("PYTHONPATH", "")]).strip(
            os.pathsep
        ),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, str(HERE / "editing.py"), str(edits), str(seed)], cwd=folder, env=environment, text=True,
        capture_output=True, timeout=3000,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    summary: dict[str, dict[str, int]] = json.loads(done.stdout)
    return summary


def values(folder: Path) -> list[int]:
    """By which source each stored network was marked, as it says itself."""
    found = (folder / "store" / "marked").glob("*/*/values.json")
    return [json.loads(path.read_text())["exhibits"]["value"] for path in found]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_no_entry_gets_the_digest_of_other_code(tmp_path: Path, seed: int) -> None:
    """A thousand edits in four processes."""
    edits = 250
    summary = edited(tmp_path, edits, seed)
    stored = values(tmp_path)
    print(f"\n{summary}, {len(stored)} entries")
    assert summary["edits"] >= edits
    assert len(stored) > 10, "some were computed between the edits"
    noticed = summary["states"].get("refused", 0) + summary["ends"].get("70", 0)
    assert noticed > 10, "some were refused, by a worker or by its end"
    assert set(stored) == {0}
