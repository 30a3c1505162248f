"""Cells: every point of the grid once, with an id that only the plan's words decide."""

from __future__ import annotations

import itertools

from ownmark.runner.cell import Cell, Spec, expand
from ownmark.runner.plan import parse_plan

GRID = """
tasks: [{dataset: digits, host: convnet}]
datasets: [mnist]
hosts: [lenet5, {resnet: {depth: 8}}]
schemes: [uchida, content]
attacks: [none, prune, {finetune: , given: {data: 50}}, {prune: , as: half, sweep: {sparsity: [0.5, 0.25]}}]
extractors: [default, triggers]
seeds: [0, 1, 2]
"""


def cells(text: str) -> tuple[Cell, ...]:
    return expand(parse_plan(text)[0])


def test_the_grid_is_complete_and_ids_are_unique() -> None:
    found = cells(GRID)
    assert len(found) == 3 * 2 * 5 * 2 * 3
    assert len({cell.id for cell in found}) == len(found)
    assert {cell.attack.label for cell in found if cell.attack} == {
        "prune", "finetune", "half(sparsity=0.5)", "half(sparsity=0.25)",
    }  # fmt: skip


def test_one_scheme_on_one_task_is_finished_before_the_next_begins() -> None:
    order = [(cell.task.label, cell.scheme.label) for cell in cells(GRID)]
    assert sum(one != other for one, other in itertools.pairwise(order)) == len(set(order)) - 1


def test_what_is_written_twice_is_one_cell() -> None:
    text = "tasks: [{dataset: digits, host: convnet}]\nschemes: [uchida, uchida]\nattacks: [none, none]\nseeds: [0, 0]"
    assert len(cells(text)) == 1


def test_ids_do_not_depend_on_the_order_of_parameters_or_on_how_an_entry_is_written() -> None:
    head = "tasks: [{dataset: digits, host: convnet}]\nattacks: [prune]\nschemes: "
    forms = [
        "[{uchida: {bits: 8, strength: 1}}]",
        "{uchida: {strength: 1, bits: 8}}",
        "[{id: uchida, params: {strength: 1, bits: 8}}]",
        "[{uchida: {bits: 8}, sweep: {strength: [1]}, as: x}]",
    ]
    ids = [cells(head + form)[0].id for form in forms]
    assert ids[0] == ids[1] == ids[2]
    assert ids[3] != ids[0], "a sweep's label tells its point"


def test_everything_that_a_cell_says_changes_its_id() -> None:
    base = "tasks: [{dataset: digits, host: convnet}]\nschemes: [uchida]\nattacks: [prune]\n"
    variants = [
        base,
        base.replace("digits", "mnist"),
        base.replace("convnet", "lenet5"),
        base.replace("uchida", "content"),
        base.replace("[prune]", "[{prune: {sparsity: 0.5}}]"),
        base.replace("[prune]", "[{prune: , given: {data: 5}}]"),
        base + "extractors: [triggers]\n",
        base + "seeds: 1\n",
        base + "attacker: {labels: false}\n",
    ]
    assert len({cells(text)[0].id for text in variants}) == len(variants)


def test_what_a_plan_says_of_other_things_leaves_ids_alone() -> None:
    base = "tasks: [{dataset: digits, host: convnet}]\nschemes: [uchida]\n"
    assert cells(base)[0].id == cells(base + "name: other\nabout: x\nattacks: [none, prune]\n")[0].id


def test_ids_stay_what_they_are() -> None:
    """Another id here orphans the records of every plan: a reason for a line in the changelog."""
    text = "tasks: [{dataset: digits, host: convnet}]\nschemes: [{uchida: {bits: 8, strength: 1}}]"
    assert cells(text)[0].id == "e445b6201bc2"


def test_sweeps_run_over_every_combination_with_readable_labels() -> None:
    text = (
        "tasks: [{dataset: digits, host: {convnet: , sweep: {width: [0.25, 1.0]}}}]\n"
        "schemes: [{repack/uchida: {bits: 4}, sweep: {bits: [8, 16], strength: [1e-3, 0.1]}}]"
    )
    labels = [(cell.task.label, cell.scheme.label) for cell in cells(text)]
    assert [label for label, _ in labels[::4]] == ["digits/convnet(width=0.25)", "digits/convnet(width=1)"]
    assert [label for _, label in labels[:4]] == [
        "uchida(bits=8, strength=0.001)", "uchida(bits=8, strength=0.1)",
        "uchida(bits=16, strength=0.001)", "uchida(bits=16, strength=0.1)",
    ]  # fmt: skip
    assert cells(text)[0].scheme.parameters == {"bits": 8, "strength": 0.001}


def test_a_cells_label_names_all_that_tells_it_apart() -> None:
    (cell,) = cells(
        "tasks: {dataset: digits, host: convnet}\nschemes: uchida\nattacks: prune\nextractors: triggers\nseeds: 3"
    )
    assert cell.label == "digits/convnet uchida prune read by triggers seed 3"
    assert cell.extractor == Spec("triggers", "{}", "triggers")


def test_attacks_for_a_scheme_meet_no_other() -> None:
    text = (
        "tasks: [{dataset: digits, host: convnet}]\nschemes: [uchida, {whitebox/riga: , as: mine}]\n"
        "attacks:\n  - none\n  - {prune: , for: uchida}\n  - {prune: {sparsity: 0.5}, for: [mine]}\n"
        "  - {finetune: , for: [riga, whitebox/riga]}\n"
    )
    met = [(cell.scheme.label, cell.attack.label, cell.attack.params) for cell in cells(text) if cell.attack]
    assert met == [
        ("uchida", "prune", "{}"),
        ("mine", "prune", '{"sparsity": 0.5}'),
        ("mine", "finetune", "{}"),
    ]
