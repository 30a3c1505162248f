"""Plans of Tables I to III: every scheme meets its own forger, and the papers' figures find their cells."""

from __future__ import annotations

from importlib.resources import files

import pytest

from ownmark import Kind, discover
from ownmark.runner.cell import Cell, expand
from ownmark.runner.plan import Plan, parse_plan

ONE = ["invariance-table1-small", "invariance-table1-paper", "invariance-table1-resnet18"]
SEVEN = {"uchida", "riga", "greedy_residuals", "lottery", "deepsigns", "deepipr", "passport_aware"}


def plan(name: str) -> Plan:
    return parse_plan(files("ownmark_invariance.plans").joinpath(f"{name}.yaml").read_text())[0]


def cells(name: str) -> tuple[Cell, ...]:
    return expand(plan(name))


@pytest.mark.parametrize("name", ONE)
def test_each_scheme_meets_each_attack_of_table_one_and_its_own_forger(name: str) -> None:
    met: dict[str, list[str]] = {}
    for cell in cells(name):
        if cell.seed == 0:
            met.setdefault(cell.scheme.id, []).append(cell.attack.label if cell.attack else "none")
        if cell.attack and cell.attack.id in ("overwrite", "ambiguity"):
            assert list(cell.attack.parameters["scheme"]) == [cell.scheme.id]
    columns = [
        "none",
        "prune(sparsity=0.5)",
        "prune(sparsity=0.8)",
        "finetune",
        "overwrite",
        "ambiguity",
        "unified",
    ]
    assert all(sorted(labels) == sorted(columns) for labels in met.values())


def test_both_scales_of_table_one_have_all_classifier_schemes() -> None:
    small, *large = ({cell.scheme.id for cell in cells(name)} for name in ONE)
    assert small == set().union(*large) == SEVEN


@pytest.mark.parametrize("table", [1, 2, 3])
def test_small_plans_have_three_seeds_and_the_same_networks(table: int) -> None:
    found, second = plan(f"invariance-table{table}-small"), plan("invariance-table2-small")
    assert found.seeds == (0, 1, 2)
    assert found.tasks == second.tasks
    assert found.verdict == second.verdict
    assert set(map(str, found.schemes)) <= set(map(str, second.schemes))


@pytest.mark.parametrize("name", ["invariance-table3-small", "invariance-table3-paper"])
def test_each_alpha_of_table_three_has_its_figures(name: str) -> None:
    figures = discover().find(Kind.SCHEME, "passport_aware").reported
    labels = {cell.attack.label for cell in cells(name) if cell.attack}
    assert {figure.attack for figure in figures if "Table III" in figure.where} == labels
    wrong = {f.attack: round(1 - f.value, 4) for f in figures if "III" in f.where and f.metric == "evidence"}
    assert list(wrong.values()) == [0, 0.0804, 0.1646, 0.3028, 0.4583, 0.5096]
