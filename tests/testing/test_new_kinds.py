"""A template in each kind: complete, of its own name, and (slow) alive from making to uninstalling."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from ownmark import __version__
from ownmark.discovery.local import tomllib
from ownmark.errors import OwnmarkError
from ownmark.newpack import KINDS, create_pack
from ownmark.runner.plan import parse_plan

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", [None, *KINDS])
def test_a_pack_of_each_kind_is_complete(kind: str | None, tmp_path: Path) -> None:
    folder = create_pack("our-own-marks", tmp_path, kind)
    files = {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }
    assert [name for name, text in files.items() if "acme" in (name + text).lower()] == []
    project = tomllib.loads(files["pyproject.toml"])["project"]
    entries = project["entry-points"]["ownmark"]
    for id, module in entries.items():
        assert f"our_own_marks/{id}/__init__.py" in files
        assert module == f"our_own_marks.{id}"
        assert f"tests/test_{id}.py" in files  # the oracle
        assert f'"{id}"' in files["tests/test_our_own_marks.py"]
        assert id in files["README.md"]
        assert "api=2" in files[f"our_own_marks/{id}/__init__.py"]
    assert len(entries) == (2 if kind is None else 1)
    packages = {
        name.split("/")[1] for name in files if name.startswith("our_own_marks/") and name.count("/") > 1
    }
    assert packages == set(entries)
    assert "Apache License" in files["LICENSE"]
    (requirement,) = map(Requirement, project["dependencies"])
    assert requirement.specifier.contains(__version__)
    assert not requirement.specifier.contains("99")
    assert "ownmark check --strict our-own-marks" in files[".github/workflows/test.yml"]
    plan, _ = parse_plan(files["plan.yaml"])
    assert plan.name == "our-own-marks"  # a run folder of its own
    named = [plan.schemes, plan.attacks, plan.extractors, plan.metrics, plan.datasets, plan.hosts]
    used = {entry.id for entries in named for entry in entries} | {t.dataset.id for t in plan.tasks} | {
        t.host.id for t in plan.tasks
    }  # fmt: skip
    assert set(entries) <= used


@pytest.mark.parametrize("kind", KINDS)
def test_a_method_may_have_its_own_name_from_the_start(kind: str, tmp_path: Path) -> None:
    plain, folder = (
        create_pack("our-marks", tmp_path / "a", kind),
        create_pack("our-marks", tmp_path, kind, "my_idea"),
    )
    texts = {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }
    (id,) = tomllib.loads((plain / "pyproject.toml").read_text())["project"]["entry-points"]["ownmark"]
    camel = "".join(word.capitalize() for word in id.split("_"))
    left = re.compile(rf"\b(test_)?{id}\b|\b{camel}(\b|[A-Z])")
    assert [name for name, text in texts.items() if left.search(name) or left.search(text)] == []
    entries = tomllib.loads(texts["pyproject.toml"])["project"]["entry-points"]["ownmark"]
    assert entries == {"my_idea": "our_marks.my_idea"}
    assert " my_idea" not in texts["our_marks/my_idea/__init__.py"]  # prose keeps its words
    assert 'id="my_idea"' in texts["our_marks/my_idea/__init__.py"]
    assert "tests/test_my_idea.py" in texts
    for name, text in texts.items():
        if name.endswith(".py"):
            compile(text, name, "exec")


@pytest.mark.parametrize(
    ("method", "kind", "says"),
    [
        ("MyIdea", "scheme", "no id for a method"), ("my-idea", "host", "no id for a method"),
        ("class", "attack", "no id for a method"), ("none", "attack", "no id for a method"),
        ("my_idea", None, "say of which kind"), ("our_marks", "metric", "would be imported alike"),
    ],
)  # fmt: skip
def test_a_bad_name_of_a_method_is_refused(method: str, kind: str | None, says: str, tmp_path: Path) -> None:
    with pytest.raises(OwnmarkError, match=says):
        create_pack("our-marks", tmp_path, kind, method)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OwnmarkError, match="there are scheme, black-box"):
        create_pack("our-marks", tmp_path, "sandwich")


# --- the whole life of a pack, in an environment of its own ---------------------------------------------------------


def _run(*command: str | Path, code: int = 0, **options: object) -> str:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "OWNMARK_DATA")
    }
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, env=environment, **options)  # type: ignore[call-overload]
    assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
    return str(done.stdout)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Python of a clean environment with the wheels of the core and two packs, and a folder for more wheels."""
    folder = tmp_path_factory.mktemp("clean")
    _run(sys.executable, "-m", "venv", "--without-pip", folder / "env")
    python = folder / "env" / "bin" / "python"
    target = Path(_run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    sources = [Path(entry) for entry in sys.path if entry.endswith("site-packages")]
    for item in (item for source in sources for item in source.iterdir()):
        ours = item.name.removeprefix("__editable__").lstrip("._").startswith(("ownmark", "acme"))
        if not ours and item.suffix != ".pth" and not (target / item.name).exists():
            (target / item.name).symlink_to(item)
    for source in (ROOT, ROOT / "plugins" / "whitebox", ROOT / "plugins" / "triggers"):
        _wheel(source, folder / "wheels")
    _install(python, *sorted((folder / "wheels").glob("*.whl")))
    return python, folder


def _wheel(source: Path, into: Path) -> None:
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", into, source)


def _install(python: Path, *wheels: Path) -> None:
    _run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--no-deps",
        "--no-index",
        "--quiet",
        *wheels,
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_pack_is_made_installed_checked_run_and_uninstalled(
    kind: str, clean: tuple[Path, Path], tmp_path: Path
) -> None:
    python, _ = clean
    name = f"our-{kind}"
    _run(python, "-m", "ownmark", "new", name, "--kind", kind, "--method", "my_idea", cwd=tmp_path)
    _wheel(tmp_path / name, tmp_path / "wheels")
    _install(python, *(tmp_path / "wheels").glob("*.whl"))
    try:
        assert name in _run(python, "-m", "ownmark", "plugins", cwd=tmp_path)
        said = _run(python, "-m", "ownmark", "check", "--strict", name, cwd=tmp_path)
        assert " 0 failed, 0 could not be made" in said
        ran = _run(python, "-m", "ownmark", "run", tmp_path / name / "plan.yaml", cwd=tmp_path)
        assert ", 0 failed, 0 not run" in ran
        _run(
            python,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "tests",
            "-k",
            "not conformance",
            cwd=tmp_path / name,
        )
    finally:
        _run(sys.executable, "-m", "pip", "--python", python, "uninstall", "--yes", "--quiet", name)
    assert name not in _run(python, "-m", "ownmark", "plugins", cwd=tmp_path)


# --- a hostile pack -------------------------------------------------------------------------------------------------

HOSTILE = {
    "pyproject.toml": """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "NAME"
version = "1.0"
[project.entry-points.ownmark]
evil = "evil_marks"
[tool.hatch.build.targets.wheel]
packages = ["evil_marks"]
""",
    "evil_marks/__init__.py": """
from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind, Need

@hookimpl
def ownmark_extractors():
    return [Declaration(id="uchida", kind=Kind.EXTRACTOR, target="evil_marks.yes:Yes", summary="always says yes",
                        needs=frozenset({Need.WHITE_BOX}))]

@hookimpl
def ownmark_metrics():
    return [Declaration(id="accuracy", kind=Kind.METRIC, target="evil_marks.yes:Yes", summary="another accuracy")]

@hookimpl
def ownmark_attacks():
    return [Declaration(id="prune", kind=Kind.ATTACK, target="evil_marks.yes:Yes", summary="another prune")]
""",
    "evil_marks/yes.py": """
import torch
from ownmark.contracts import Evidence, Extractor

class Yes(Extractor):
    def extract(self, suspect, key, own=None):
        return Evidence(torch.ones(len(key["bits"]), dtype=torch.bool), chance=0.5)
""",
}
MARK = """
tasks: [{dataset: {digits: {limit_train: 400}}, host: {convnet: {recipe: {epochs: 4}}}}]
schemes: [{uchida: {bits: 32}}]
verdict: {null_models: 2, keys: 3}
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["evil-marks", "whitebox"])
def test_a_stored_claim_survives_the_installation_of_a_hostile_pack(
    name: str, clean: tuple[Path, Path], tmp_path: Path
) -> None:
    python, _ = clean
    (tmp_path / "plan.yaml").write_text(MARK)
    _run(python, "-m", "ownmark", "embed", "plan.yaml", "--into", "mark", cwd=tmp_path)
    verify = (python, "-m", "ownmark", "verify", "mark", "mark/released/model.safetensors")
    before = _run(*verify, cwd=tmp_path)
    assert "CLAIM" in before
    for path, text in HOSTILE.items():
        (tmp_path / "evil" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "evil" / path).write_text(text.replace("NAME", name))
    _wheel(tmp_path / "evil", tmp_path / "wheels")
    _install(python, *(tmp_path / "wheels").glob("*.whl"))
    try:
        assert "collision: extractor 'uchida'" in _run(python, "-m", "ownmark", "plugins", cwd=tmp_path)
        assert _run(*verify, cwd=tmp_path) == before
        asked = [*map(str, verify), "--stranger", name]
        told = subprocess.run(asked, capture_output=True, text=True, cwd=tmp_path)
        if name == "whitebox":  # it takes over the true one's full names
            assert told.returncode == 2
            assert "no spelling tells them apart; pip uninstall one" in told.stderr
        else:
            assert "32 of 32" in told.stdout
            assert f"a stranger reads: {name} 1.0" in told.stdout
            assert told.returncode == 1  # whoever says yes to the owner's key says yes to fresh ones
            assert "NO CLAIM: 99 of 99 fresh keys match" in told.stdout
        _run(
            sys.executable,
            "-m",
            "pip",
            "--python",
            python,
            "uninstall",
            "--yes",
            "--quiet",
            "ownmark-whitebox",
        )
        said = subprocess.run([*map(str, verify)], capture_output=True, text=True, cwd=tmp_path)
        assert said.returncode == 2
        assert "pip install 'ownmark-whitebox==" in said.stderr
    finally:
        _run(sys.executable, "-m", "pip", "--python", python, "uninstall", "--yes", "--quiet", name)
        _install(python, *(python.parents[2] / "wheels").glob("ownmark_whitebox*.whl"))
