"""The pack's plans: complete grids, known methods, and one of them run."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

import pytest

from ownmark import Kind, discover
from ownmark.runner.cell import expand
from ownmark.runner.plan import parse_plan
from ownmark.runner.preflight import check_methods

PLANS = sorted(
    path.name for path in files("ownmark_invariance.plans").iterdir() if path.name.endswith(".yaml")
)


@pytest.mark.parametrize("name", PLANS)
def test_plan_is_declared_and_names_known_methods(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.delenv("OWNMARK_DATA", raising=False)
    text = files("ownmark_invariance.plans").joinpath(name).read_text()
    plan, document = parse_plan(text, name)
    assert f"{plan.name}.yaml" == name
    assert discover().find(Kind.PLAN, plan.name).summary
    problems = check_methods(plan, document, discover())
    assert [problem for problem in problems if "OWNMARK_DATA" not in problem] == []
    labels = {cell.label for cell in expand(plan)}
    assert len(labels) == len(expand(plan))


def test_alpha_plan_sweeps_the_papers_shares() -> None:
    text = files("ownmark_invariance.plans").joinpath("invariance-alpha.yaml").read_text()
    swept = [attack.sweep["alpha"] for attack in parse_plan(text)[0].attacks]
    assert swept == [[0.0, 0.0625, 0.125, 0.25, 0.5, 1.0]] * 4


@pytest.mark.slow
def test_small_table_runs(tmp_path: object) -> None:
    code = "from ownmark import run; import sys; run(sys.argv[1], out=sys.argv[2], store=sys.argv[3])"
    done = subprocess.run(
        [sys.executable, "-c", code, "invariance-combined", f"{tmp_path}/run", f"{tmp_path}/store"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_declarations_load_neither_torch_nor_pydantic() -> None:
    names = (
        "align",
        "invariance_overwrite",
        "layer_shuffle",
        "neuron_scale",
        "plans",
        "sign_flip",
        "unified",
    )
    modules = ", ".join(f"ownmark_invariance.{name}" for name in names)
    code = f"import sys, {modules}; sys.exit(bool({{'torch', 'pydantic'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
