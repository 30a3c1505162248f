"""Code that a user names is found in the folder where the command is given, and nothing else of that folder is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ownmark.importing import named, place_of
from ownmark.runner.sources import source_digest


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path not in ("", str(tmp_path))])
    return tmp_path


@pytest.mark.parametrize("form", ["module", "package"])
def test_a_module_of_the_current_folder_is_imported(form: str, here: Path) -> None:
    name = f"lies_here_{form}"
    place = here / f"{name}.py" if form == "module" else here / name / "__init__.py"
    place.parent.mkdir(exist_ok=True)
    place.write_text("answer = 7")
    before = source_digest(name)
    place.write_text("answer = 88")
    assert source_digest(name) != before
    assert named(f"{name}:answer") == 88
    del sys.modules[name]


def test_what_is_installed_is_never_taken_from_there(here: Path) -> None:
    for name in ("json", "numpy", "ownmark"):
        (here / f"{name}.py").write_text("dumps = load = 1")
        assert place_of(name) is None
    assert callable(named("json:dumps"))
    assert str(here) not in sys.path


@pytest.mark.parametrize("target", ["absent:thing", "os:absent", "absent.inner:thing"])
def test_what_is_nowhere_is_an_import_error(target: str, here: Path) -> None:
    with pytest.raises((ImportError, AttributeError)):
        named(target)


def test_commands_that_name_no_code_run_none_of_the_folder(here: Path) -> None:
    for name in ("onnxruntime", "timm", "datasets", "mine"):
        (here / f"{name}.py").write_text("open('ran', 'w')")
    command = [sys.executable, "-c", "from ownmark.cli import main; main(['list', 'hosts'])"]
    done = subprocess.run(command, env={**os.environ, "PYTHONSAFEPATH": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not (here / "ran").exists()
