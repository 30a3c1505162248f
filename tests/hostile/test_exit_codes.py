"""Exit codes that do not lie: what breaks is a sentence and 2, an interrupt 130, and nobody else ends the program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from ownmark import discovery, runner
from ownmark.cli import main
from ownmark.errors import MethodStopped, NotApplicable, OwnmarkError, PlanError, Unwritable
from ownmark.ownership.asked import guarded, imported, require_sense
from ownmark.runner import run
from ownmark.runner.device import device_called
from ownmark.testing import fakes


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("error", "code"),
    [(RuntimeError("CUDA out of memory"), 2), (OSError(28, "No space left"), 2), (MemoryError(), 2), (Mute(), 2),
     (SystemExit(0), 2), (SystemExit("licence"), 2), (GeneratorExit(), 2), (RecursionError("deep"), 2),
     (PlanError(["p:1: a", "p:2: b"]), 2), (NotApplicable("no"), 2), (Unwritable("full"), 2),
     (KeyboardInterrupt(), 130)],
    ids=lambda one: type(one).__name__ if isinstance(one, BaseException) else str(one),
)  # fmt: skip
@pytest.mark.parametrize("command", [["list"], ["run", "p.yaml"], ["plugins"]], ids=lambda one: one[0])
def test_whatever_is_raised_ends_in_a_sentence(
    error: BaseException, code: int, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(discovery, "discover", broken)
    monkeypatch.setattr(runner, "run", broken)
    done = CliRunner().invoke(main, command)
    assert done.exit_code == code
    assert "Traceback" not in done.output
    assert done.output.strip()


@pytest.mark.parametrize(
    "name", ["cuda", "cuda:7", "mps", "gpu", "foo", "", "meta", "cpu:x", "CUDA", "cuda:99999999"]
)
def test_a_device_that_is_not_there_is_a_sentence(name: str) -> None:
    if torch.cuda.is_available() and name == "cuda":
        pytest.skip("there is one here")
    with pytest.raises(OwnmarkError, match=r"here are auto, cpu"):
        device_called(name)


@pytest.mark.parametrize(
    "rate", [0.0, 1.0, 7.0, -0.1, -0.0, 1e-320, 1e-13, 1e308, float("nan"), float("inf")]
)
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(OwnmarkError, match="--rate"):
        require_sense(rate, None)


@pytest.mark.parametrize("budget", [0, -1, -(10**9)])
def test_a_budget_that_buys_nothing_is_refused(budget: int) -> None:
    with pytest.raises(OwnmarkError, match="--budget"):
        require_sense(None, budget)


@pytest.mark.parametrize(
    "error", [SystemExit(0), RuntimeError("x"), GeneratorExit(), MemoryError()], ids=repr
)
def test_a_function_that_breaks_off_gives_no_answer(error: BaseException) -> None:
    def answer(x: torch.Tensor) -> None:
        raise error

    with pytest.raises(OwnmarkError, match="svc broke off"):
        guarded(answer, "svc")(torch.zeros(1))


@pytest.mark.parametrize(
    "text", ["raise SystemExit(0)", "def f(x) return", "import no_such_thing", "f = 3", "1/0"]
)
def test_a_module_that_cannot_be_imported_is_a_sentence(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"hostile_{abs(hash(text))}"
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(OwnmarkError, match=name):
        imported(f"{name}:f")


PLAN = """
tasks: [{dataset: {digits: {limit_train: 120, limit_test: 40}}, host: {convnet: {width: 0.25, recipe: {epochs: 1}}}}]
schemes: [fake-signs]
attacks: [none, fake-scale]
verdict: {null_models: 1, keys: 2}
"""


@pytest.mark.parametrize("where", [(fakes.SignMark, "embed"), (fakes.SignReader, "extract"), (fakes.Scale, "attack")],
                         ids=["scheme", "extractor", "attack"])  # fmt: skip
@pytest.mark.parametrize("code", [0, None, "bye"])
def test_a_method_that_ends_the_program_fails_its_cell(
    where: tuple[type, str], code: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stops(*_: Any, **__: Any) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(*where, stops)
    (tmp_path / "p.yaml").write_text(PLAN)
    done = run(
        tmp_path / "p.yaml", out=tmp_path / "run", store=tmp_path / "store", device="cpu",
        catalog=fakes.with_fakes(),
    )  # fmt: skip
    assert done.failed
    assert {record["error"]["type"] for record in done.failed} == {MethodStopped.__name__}
    assert len(done.records) == 2


def test_a_method_that_ends_the_program_while_it_is_checked_is_a_problem_of_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stops(*_: Any, **__: Any) -> None:
        raise SystemExit(0)

    monkeypatch.setattr(fakes.SignMark, "check", stops)
    (tmp_path / "p.yaml").write_text(PLAN)
    with pytest.raises(PlanError, match="tried to end the program"):
        run(tmp_path / "p.yaml", out=tmp_path / "r", store=tmp_path / "s", catalog=fakes.with_fakes())
