"""The examples run as they stand, as scripts and as notebooks, and the README shows them as they are."""

from __future__ import annotations

import json
import os
import re
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


def code_of(name: str) -> str:
    """An example without what its first lines say of it."""
    text = (EXAMPLES / name).read_text()
    return text.split('"""', 2)[2] if text.startswith('"""') else text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("examples")
    for path in EXAMPLES.glob("*.py"):
        shutil.copy(path, into)
    return into


@pytest.fixture(scope="module")
def trained(folder: Path) -> Path:
    assert float(run("train.py", folder).split()[-1]) > 0.95
    return folder


def test_a_model_trained_without_ownmark_is_marked_and_recognised(trained: Path) -> None:
    said = run("mark.py", trained)
    before, after = _two(said)
    assert before - after <= 0.02 + 1e-9  # as the example allows; its key is drawn anew each time
    released = torch.load(trained / "released.pt", weights_only=True)
    assert list(released) == list(torch.load(trained / "model.pt", weights_only=True))
    assert "CLAIM: ownership" in run("verify.py", trained)


@pytest.mark.slow
def test_a_vision_transformer_is_marked_and_recognised(folder: Path) -> None:
    pytest.importorskip("transformers")
    from transformers import ViTForImageClassification

    assert float(run("vit_train.py", folder).split()[-1]) > 0.9
    before, after = _two(run("vit_mark.py", folder))
    assert before - after <= 0.01 + 1e-9
    plain = ViTForImageClassification.from_pretrained(folder / "released-vit")
    assert list(plain.state_dict()) == list(
        ViTForImageClassification.from_pretrained(folder / "my-vit").state_dict()
    )
    said = run("vit_verify.py", folder)
    assert "CLAIM: ownership" in said
    assert int(re.search(r"(\d+) of 64 bits match", said)[1]) > 55


def _two(said: str) -> tuple[float, float]:
    first = said.splitlines()[0].replace(",", "").split()
    return float(first[1]), float(first[3])


@pytest.mark.parametrize("kind", ["", "vit_"])
def test_marking_takes_15_lines_and_verifying_3(kind: str) -> None:
    assert "ownmark" not in code_of(f"{kind}train.py")
    assert len([line for line in code_of(f"{kind}mark.py").splitlines() if line.strip()]) <= 15
    assert len((EXAMPLES / f"{kind}verify.py").read_text().splitlines()) <= 3


def test_the_readme_shows_the_examples_as_they_are() -> None:
    readme = (ROOT / "README.md").read_text()
    for name in ("mark.py", "verify.py"):
        assert code_of(name).strip() in readme


# --- notebooks -------------------------------------------------------------------------------------------------------

NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


def test_there_are_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["mark", "study"]
    for path in NOTEBOOKS:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert cells
        said = path.read_text(encoding="utf-8")
        assert not any(word in said for word in ("/root/", "/home/", "/tmp/", "/work/")), path.name
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1)), path.name
        quiet = [cell for cell in code if not cell["outputs"]]
        assert all("".join(cell["source"]).endswith(";") for cell in quiet), path.name
        assert ("CLAIM: ownership" if path.stem == "mark" else "image/png") in said


def test_the_first_notebook_is_the_examples() -> None:
    cells = json.loads((EXAMPLES / "mark.ipynb").read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]).strip() for cell in cells if cell["cell_type"] == "code"]
    for name in ("mark.py", "verify.py"):
        assert code_of(name).strip() in code


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, trained: Path, tmp_path: Path) -> None:
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    place = tmp_path / "here"
    shutil.copytree(trained, place, ignore=shutil.ignore_patterns("my-mark", "released*"))
    spec = place / "kernels" / "python3"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"})
    )
    before = os.environ.get("JUPYTER_PATH")
    os.environ["JUPYTER_PATH"] = str(place)
    try:
        notebook = nbformat.read(path, as_version=4)
        client = nbclient.NotebookClient(
            notebook, timeout=600, resources={"metadata": {"path": str(place)}}, kernel_name="python3"
        )
        client.execute()
    finally:
        os.environ.pop("JUPYTER_PATH") if before is None else os.environ.update(JUPYTER_PATH=before)
    said = json.dumps(notebook.cells)
    assert "CLAIM: ownership" in said if path.stem == "mark" else "survived" in said
