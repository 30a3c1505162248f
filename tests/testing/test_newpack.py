"""`create_pack`: the template, copied and renamed, is a pack that passes its own tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.testing.installing import dist_info, entry_points

from ownmark.cli import main
from ownmark.errors import OwnmarkError, Unwritable
from ownmark.newpack import create_pack


def test_nothing_of_the_template_name_is_left(tmp_path: Path) -> None:
    folder = create_pack("our-own-marks", tmp_path)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert folder == tmp_path / "our-own-marks"
    assert folder / "our_own_marks" / "group_mean" / "scheme.py" in files
    assert "# OurOwnMarks" in (folder / "README.md").read_text()
    assert [
        path for path in files if "acme" in (str(path.relative_to(folder)) + path.read_text()).lower()
    ] == []


def test_a_created_pack_passes_its_own_tests(tmp_path: Path) -> None:
    folder = create_pack("our-marks", tmp_path)
    dist_info(folder, "our-marks", entry_points(folder / "pyproject.toml"))
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "our-marks").mkdir()
    with pytest.raises(OwnmarkError, match="exists already"):
        create_pack("our-marks", tmp_path)
    assert list((tmp_path / "our-marks").iterdir()) == []


@pytest.mark.parametrize("into", ["/proc", "file", "file/below"])
def test_a_place_where_nothing_can_be_written_is_named(into: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / into
    with pytest.raises(Unwritable, match=rf"{place}: nothing can be written there .* --into"):
        create_pack("our-marks", place)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_commands_to_go_on_with_can_be_copied(tmp_path: Path) -> None:
    said = CliRunner().invoke(main, ["new", "our-marks", "--into", str(tmp_path / "my packs")])
    assert f"pip install -e '{tmp_path}/my packs/our-marks' && ownmark check our-marks" in said.output


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Our Marks", "no name for a pack"), ("our_marks", "no name for a pack"), ("../marks", "no name for a pack"),
        ("", "no name for a pack"), ("class", "Python's own"), ("json", "Python's own"), ("torch", "installed already"),
        ("ownmark", "installed already"),
    ],
)  # fmt: skip
def test_a_bad_name_is_refused(name: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(OwnmarkError, match=reason):
        create_pack(name, tmp_path)
    assert list(tmp_path.iterdir()) == []
