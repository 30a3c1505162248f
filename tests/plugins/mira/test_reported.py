"""What the paper prints stands beside the rows of the plans that repeat its tables."""

from __future__ import annotations

from importlib.resources import files

import pytest

from ownmark import Kind, discover
from ownmark.methods import Reported
from ownmark.runner.cell import specs
from ownmark.runner.plan import Entry, parse_plan

OWN = {"mira (soft)", "mira (soft, transfer)", "mira (released)", "mira_data_free (soft)"}
"""Rows that the paper has not."""
TABLES = {
    "mira-table4": "Table 4", "mira-table5": "Table 5", "mira-table6": "Table 6", "mira-detection": "Table 7",
    "mira-table-c2": "Table C.2", "mira-table-c4": "Table C.4", "mira-table-c6": "Table C.6",
}  # fmt: skip


def printed(row: Entry, dataset: str, scheme: str) -> set[tuple[str, str]]:
    """Metric and table of every figure of a row by its name."""
    found: set[tuple[str, str]] = set()
    for spec in specs(row):
        figures: tuple[Reported, ...] = discover().find(Kind.ATTACK, spec.id).reported
        found |= {
            (one.metric, one.where)
            for one in figures
            if (one.dataset, one.scheme, one.attack) == (dataset, scheme, spec.label)
        }
    return found


@pytest.mark.parametrize("name", TABLES)
def test_every_row_of_a_table_stands_beside_its_own_figures(name: str) -> None:
    plan, _ = parse_plan(files("ownmark_mira.plans").joinpath(f"{name}.yaml").read_text(), name)
    expected = {(metric, f"MIRA paper, {TABLES[name]}") for metric in ("accuracy", "rescaled_accuracy")}
    (task,) = plan.tasks
    compared = 0
    for row in plan.attacks:
        if row.id in ("mira", "mira_data_free") and row.label not in OWN:
            for scheme in plan.schemes:
                assert expected <= printed(row, task.dataset.id, scheme.id), (name, row.label, scheme.id)
                compared += 1
    assert compared > 3


@pytest.mark.parametrize(
    ("attack", "row", "dataset", "scheme", "accuracy", "rescaled"),
    [
        ("mira", "mira (basic)", "cifar10", "blind", 0.841, 0.585),
        ("mira", "mira", "cifar10", "content", 0.931, 0.458),
        ("mira", "mira (transfer)", "cifar10", "adi", 0.804, 0.598),
        ("mira", "mira (transfer)", "mnist", "guo", 0.911, 0.619),
        ("mira", "mira(treat_as=fixed)", "cifar10", "frontier_stitching", 0.888, 0.937),
        ("mira_data_free", "mira_data_free", "mnist", "piracy", 0.973, 0.36),
        ("deepinversion", "deepinversion", "cifar10", "ewe", 0.912, 0.99),
    ],
)
def test_figures_are_those_of_the_paper(
    attack: str, row: str, dataset: str, scheme: str, accuracy: float, rescaled: float
) -> None:
    figures = {
        one.metric: one.value
        for one in discover().find(Kind.ATTACK, attack).reported
        if (one.attack, one.dataset, one.scheme) == (row, dataset, scheme)
    }
    assert figures == {"accuracy": accuracy, "rescaled_accuracy": rescaled}
