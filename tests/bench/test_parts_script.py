"""`benchmarks/parts.py`: files in pieces, and back, checked by hash."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "parts.py"


def parts(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), *map(str, arguments)], capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "data"
    place.mkdir()
    (place / "large.npz").write_bytes(bytes(range(256)) * 180_000)  # 46 MB
    (place / "small.npz").write_bytes(b"small")
    return place


def test_files_come_back_from_parts_below_45_megabytes(folder: Path, tmp_path: Path) -> None:
    assert parts("split", folder, tmp_path / "parts", "large.npz", "small.npz").returncode == 0
    sizes = [path.stat().st_size for path in (tmp_path / "parts").iterdir()]
    assert len(sizes) == 4
    assert max(sizes) < 45e6
    assert parts("join", tmp_path / "parts", tmp_path / "back").returncode == 0
    for name in ("large.npz", "small.npz"):
        assert (tmp_path / "back" / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize("harm", ["changed", "missing", "outside"])
def test_parts_that_do_not_add_up_write_nothing(folder: Path, tmp_path: Path, harm: str) -> None:
    parts("split", folder, tmp_path / "parts", "small.npz")
    if harm == "changed":
        (tmp_path / "parts" / "part0.bin").write_bytes(b"smaLl")
    elif harm == "missing":
        (tmp_path / "parts" / "part0.bin").unlink()
    else:
        index = tmp_path / "parts" / "parts.json"
        index.write_text(json.dumps({"../out.npz": json.loads(index.read_text())["small.npz"]}))
    done = parts("join", tmp_path / "parts", tmp_path / "back")
    assert done.returncode == 2
    assert "error:" in done.stdout
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "back").iterdir())
    assert not (tmp_path / "out.npz").exists()
