"""`spoken_digits.py` writes a folder that `wav-folder` reads, by eSpeak NG's program or by its library."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from ownmark.builtin.datasets.config import WavFolderConfig
from ownmark.builtin.datasets.spectrograms import WavFolder

SCRIPT = Path(__file__).parents[2] / "examples" / "spoken_digits.py"
PROGRAM = """#!{python}
import sys, wave
given, word = dict(zip(sys.argv[1:-1:2], sys.argv[2:-1:2])), sys.argv[-1]
tone = bytes([len(word) * int(given["-p"]) % 256, 0, int(given["-s"]) % 256, 1])
with wave.open(given["-w"], "wb") as file:
    file.setparams((1, 2, 8000, 0, "NONE", ""))
    file.writeframes(1000 * (tone + given["-v"].encode().ljust(16)))
"""


@pytest.fixture(params=["program", "library"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A search path with a program that answers like eSpeak NG's, or without one."""
    found = tmp_path / "bin"
    found.mkdir()
    if request.param == "program":
        (found / "espeak-ng").write_text(PROGRAM.format(python=sys.executable))
        (found / "espeak-ng").chmod(0o755)
    elif find_spec("espeakng_loader") is None:
        pytest.skip("espeakng-loader is not installed")
    return found


def spoken(folder: Path, path: Path, count: int) -> dict[str, bytes]:
    environment = {**os.environ, "PATH": str(path)}
    done = subprocess.run(
        [sys.executable, SCRIPT, folder, str(count)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.wav")}


def test_a_folder_of_ten_digits_the_same_every_time(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OWNMARK_CACHE", str(tmp_path / "cache"))
    first, second = (spoken(tmp_path / name, path, 3) for name in ("one", "two"))
    assert first == second
    assert sorted({name.split("/")[0] for name in first}) == [str(digit) for digit in range(10)]
    assert len(set(first.values())) > 25
    images = WavFolder(WavFolderConfig(path=tmp_path / "one", test_share=0.3)).load()
    assert (images.classes, len(images.train), len(images.test)) == (10, 20, 10)
