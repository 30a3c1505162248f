"""Plans: nothing is imported from one that has problems, and a name stays inside `runs`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ownmark.cli import main

TASK = "tasks: [{dataset: {digits: {limit_train: 50}}, host: %s}]\nschemes: [{uchida: {bits: 8}}]\n"
FINE = TASK % "{convnet: {width: 0.25}}"
MODULE = TASK % "{module: {target: 'planted:Make'}}"
CODE = {
    "a callback": FINE + "trainer: {callbacks: ['planted:Make']}\n",
    "a logger": FINE + "trainer: {logger: 'planted:Make'}\n",
    "a nested module": FINE + "trainer: {callbacks: [{'planted.inner:Make': {}}]}\n",
    "a host": MODULE,
    "a dataset": (TASK % "{convnet: {width: 0.25}}").replace(
        "{digits: {limit_train: 50}}", "{function: {target: 'planted:Make'}}"
    ),
    "a dataset for transfer": FINE + "transfer: {function: {target: 'planted:Make'}}\n",
    "a dataset in a scheme": FINE.replace(
        "{uchida: {bits: 8}}", "{unrelated: {source: {function: {target: 'planted:Make'}}}}"
    ),
    "a host in an attack": FINE + "attacks: [{distill: {host: {module: {target: 'planted:Make'}}}}]\n",
    "a host of null models": FINE + "verdict: {nulls: {hosts: [{module: {target: 'planted:Make'}}]}}\n",
}
WRONG = {
    "a name": "name: ../up\n",
    "a method": "attacks: [prunee]\n",
    "a parameter": "attacks: [{prune: {sparsity: 7}}]\n",
    "a capacity": "extractors: [nothing-like-it]\n",
    "an amount": "attacks: [{finetune: , given: {data: 5000}}]\n",
    "a field": "colour: red\n",
}


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that appears when the module `planted` is imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    harm = tmp_path / "harm"
    (tmp_path / "planted.py").write_text(
        f"open({str(harm)!r}, 'w')\ndef Make(**_): raise RuntimeError('made')\n"
    )
    yield harm
    sys.modules.pop("planted", None)


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("code", CODE.values(), ids=CODE)
def test_nothing_is_imported_from_a_plan_with_a_problem(planted: Path, code: str, wrong: str) -> None:
    unknowable = code == CODE["a dataset"] and wrong == WRONG["an amount"]  # until the data are there
    if unknowable or wrong.partition(":")[0] in code:  # a section stands once
        wrong = WRONG["a field"]
    Path("plan.yaml").write_text(code + wrong)
    done = CliRunner().invoke(main, ["run", "plan.yaml", "--device", "cpu"])
    assert done.exit_code == 2, done.output
    assert "nothing was run" in done.output
    assert not planted.exists()
    assert "planted" not in sys.modules
    assert not Path("runs").exists()


@pytest.mark.parametrize("code", ["a callback", "a logger", "a host", "a dataset", "a dataset for transfer"])
def test_code_of_a_plan_without_another_problem_is_tried_and_told(planted: Path, code: str) -> None:
    Path("plan.yaml").write_text(CODE[code])
    done = CliRunner().invoke(main, ["run", "plan.yaml", "--device", "cpu"])
    assert done.exit_code == 2, done.output
    assert "RuntimeError: made" in done.output
    assert planted.exists()


@pytest.mark.parametrize("place", ["dataset", "transfer"])
@pytest.mark.parametrize("wrong", ["", "name: ../up\n", "attacks: [prunee]\n", "colour: red\n"])
def test_nothing_is_fetched_for_a_plan_with_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str, place: str
) -> None:
    library = pytest.importorskip("datasets")
    asked = []

    def fetch(*words: object, **_: object) -> None:
        asked.append(words)
        raise ConnectionError("no network")

    monkeypatch.setattr(library, "load_dataset", fetch)
    monkeypatch.chdir(tmp_path)
    plan = FINE + "transfer: {hub: {name: a/b}}\nattacker: {transfer: 5}\n"
    if place == "dataset":
        plan = FINE.replace("digits: {limit_train: 50}", "hub: {name: a/b}")
    Path("plan.yaml").write_text(plan + wrong)
    done = CliRunner().invoke(main, ["run", "plan.yaml", "--device", "cpu"])
    assert done.exit_code == (2 if wrong or place == "dataset" else done.exit_code), done.output
    assert bool(asked) is (not wrong and (place == "dataset" or done.exit_code != 0))


@pytest.mark.parametrize(
    "name",
    [
        "a/../../x",
        "../x",
        "/tmp/x",
        "a/b",
        "..",
        ".",
        "a..b",
        "x.",
        ".hidden",
        "-rf",
        "a\\b",
        "a b",
        "a" * 101,
        "",
        "é",
        "a\nb",
        "a\x00b",
        "~",
        "C:x",
    ],
)
def test_names_stay_inside_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    import json

    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "kept.json").write_text("{}")
    Path("plan.yaml").write_text(FINE + f"name: {json.dumps(name)}\n")
    done = CliRunner().invoke(main, ["run", "plan.yaml", "--device", "cpu"])
    assert done.exit_code == 2, done.output
    assert "plan.yaml:3: " in done.output
    assert "\x00" not in done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan.yaml", "x"]
    assert (tmp_path / "x" / "kept.json").exists()


@pytest.mark.parametrize("name", ["a", "Table-IV_v1.2", "0", "a" * 100])
def test_names_that_are_fine(name: str) -> None:
    from ownmark.runner.plan import parse_plan

    assert parse_plan(FINE + f"name: '{name}'\n")[0].name == name


@pytest.mark.parametrize("file", ["..yaml", "a..b.yaml", "x" * 200 + ".yaml", "-.yaml", "ü ü.yaml"])
def test_a_file_gives_a_name_that_is_fine(file: str) -> None:
    from ownmark.runner.plan import parse_plan

    name = parse_plan(FINE, file)[0].name
    assert 0 < len(name) <= 100
    assert parse_plan(FINE + f"name: '{name}'\n")[0].name == name
