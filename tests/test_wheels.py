"""What users install: wheels of the core, a pack and the starter pack, without the source tree."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLAN = """
name: wheels
tasks: [{dataset: digits, host: {convnet: {recipe: {epochs: 3}}}}]
schemes: [%s]
attacks: [none, %s]
verdict: {null_models: 2, keys: 3}
"""


def _run(*command: str | Path, **options: object) -> str:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "OWNMARK_DATA")
    }
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, env=environment, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return str(done.stdout)


def _installed() -> Iterator[Path]:
    """What lies in this environment's folders of packages; it may stand on another one."""
    for folder in map(Path, sys.path):
        if folder.name in ("site-packages", "dist-packages") and folder.is_dir():
            yield from folder.iterdir()


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the third-party packages of this one, the three wheels, and no source tree.

    The third-party packages are linked in one by one, from wherever this environment finds them: a second copy of torch
    costs minutes, and a path to a whole folder would bring this repository's editable installs along.
    """
    folder = tmp_path_factory.mktemp("clean")
    _run(sys.executable, "-m", "venv", "--without-pip", folder / "env")
    python = folder / "env" / "bin" / "python"
    target = Path(_run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    for item in _installed():
        ours = item.name.removeprefix("__editable__").lstrip("._").startswith(("ownmark", "acme"))
        if not ours and item.suffix != ".pth" and not (target / item.name).exists():
            (target / item.name).symlink_to(item)
    wheels = folder / "wheels"
    for source in (ROOT, ROOT / "plugins" / "repair", ROOT / "templates" / "scheme-pack"):
        _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", wheels, source)
    pip = (sys.executable, "-m", "pip", "--python", python)
    _run(*pip, "install", "--no-deps", "--no-index", "--quiet", *sorted(wheels.glob("*.whl")))
    return python


def test_source_tree_is_not_on_the_path(python: Path, tmp_path: Path) -> None:
    where = _run(
        python, "-c", "import ownmark, ownmark_repair, acme_marks; print(ownmark.__file__)", cwd=tmp_path
    )
    assert str(python.parent.parent) in where


def test_plan_with_the_starters_scheme_and_attack_runs_from_wheels(python: Path, tmp_path: Path) -> None:
    listed = _run(python, "-m", "ownmark", "list", "schemes", cwd=tmp_path)
    scheme = next(line.split()[0] for line in listed.splitlines() if "acme" in line)
    attack = next(
        line.split()[0]
        for line in _run(python, "-m", "ownmark", "list", "attacks", cwd=tmp_path).splitlines()
        if "acme" in line
    )
    (tmp_path / "plan.yaml").write_text(PLAN % (scheme, f"{attack}, prune"))
    printed = _run(python, "-m", "ownmark", "run", "plan.yaml", cwd=tmp_path)
    assert "3 cells: 3 finished, 0 failed" in printed


def test_named_plan_and_template_are_inside_the_wheel(python: Path, tmp_path: Path) -> None:
    assert "quickstart" in _run(python, "-m", "ownmark", "list", "plans", cwd=tmp_path)
    _run(python, "-m", "ownmark", "new", "blue-marks", cwd=tmp_path)
    assert (tmp_path / "blue-marks" / "pyproject.toml").exists()
