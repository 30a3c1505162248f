"""Reading plans: what they may say in which forms, and everything wrong with them at once, with file and line."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from ownmark.errors import MethodNotFound, PlanError
from ownmark.runner import load_plan
from ownmark.runner.plan import Entry, Given, Plan, Removal, TaskEntry, VerdictRule, parse_plan
from ownmark.runner.yamlfile import parse

LEAST = "tasks: [{dataset: digits, host: convnet}]\nschemes: uchida\n"


def plan(text: str = "") -> Plan:
    return parse_plan(LEAST + dedent(text))[0]


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(PlanError) as caught:
        parse_plan(dedent(text), "p.yaml")
    return caught.value.problems


# --- what a plan may say ----------------------------------------------------------------------------------------------


def test_the_least_plan_has_the_documented_defaults() -> None:
    least = plan()
    assert least.attacks == (Entry(id="none"),)
    assert least.extractors == (Entry(id="default"),)
    assert least.seeds == (0,)
    assert least.verdict == VerdictRule(rate=0.05, null_models=8, keys=20)
    assert least.removal == Removal(kind="relative", amount=0.9)
    assert [entry.id for entry in least.metrics] == [
        "ownmark/agreement", "ownmark/relative_weight_distance",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("prune", Entry(id="prune")),
        ("repair/prune", Entry(id="repair/prune")),
        ("{prune: }", Entry(id="prune")),
        ("{prune: {}}", Entry(id="prune")),
        ("{prune: {sparsity: 0.5}}", Entry(id="prune", params={"sparsity": 0.5})),
        ("{prune: {}, as: p}", Entry(id="prune", label="p")),
        ("{prune: , sweep: {sparsity: [0, 1]}}", Entry(id="prune", sweep={"sparsity": [0, 1]})),
        ("{prune: , given: {data: 9}}", Entry(id="prune", given={"data": 9})),
        (
            "{id: prune, params: {sparsity: 1}, label: x}",
            Entry(id="prune", params={"sparsity": 1}, label="x"),
        ),
    ],
)
def test_an_entry_may_be_written_in_many_forms(written: str, expected: Entry) -> None:
    assert plan(f"attacks: [{written}]").attacks == (expected,)
    if not written.startswith("["):
        assert plan(f"attacks: {written}").attacks == (expected,), "one entry needs no list"


def test_tasks_come_first_then_every_dataset_with_every_host() -> None:
    pairs = plan("datasets: [mnist, digits]\nhosts: [lenet5, {resnet: {depth: 8}}]").all_tasks()
    named = [(task.dataset.id, task.host.id) for task in pairs]
    assert named == [
        ("digits", "convnet"), ("mnist", "lenet5"), ("mnist", "resnet"), ("digits", "lenet5"), ("digits", "resnet"),
    ]  # fmt: skip


def test_one_task_needs_no_list() -> None:
    one = parse_plan("tasks: {dataset: digits, host: convnet}\nschemes: uchida")[0]
    assert one.tasks == (TaskEntry(dataset=Entry(id="digits"), host=Entry(id="convnet")),)


@pytest.mark.parametrize("written", ["1e-2", "1E-2", ".01", "0.01", "1.0e-2", "+1e-2"])
def test_numbers_in_e_notation_are_numbers(written: str) -> None:
    assert plan(f"verdict: {{rate: {written}}}").verdict.rate == 0.01


@pytest.mark.parametrize(
    ("written", "expected"),
    [("3", 3), ("-3", -3), ("1e3", 1000.0), ("0x10", 16), ("1.", 1.0), ("v1", "v1"), ("1e", "1e"), ("e3", "e3"),
     ("'1e3'", "1e3"), ("1.2.3", "1.2.3"), (".inf", float("inf")), ("yes", True), ("~", None)],
)  # fmt: skip
def test_other_scalars_stay_what_yaml_makes_of_them(written: str, expected: object) -> None:
    found = parse(f"x: {written}", "p.yaml").data["x"]
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("data", ["none", "all", 0, 5, 0.5, 1.0])
def test_an_attacker_may_be_given_a_number_a_fraction_or_a_word(data: object) -> None:
    found = plan(f"attacker: {{data: {data}}}").attacker
    assert found == Given(data=data)  # type: ignore[arg-type]
    assert type(found.data) is type(data)


def test_one_whole_image_is_not_all_images() -> None:
    assert type(plan("attacker: {data: 1}").attacker.data) is int
    assert type(plan("attacker: {data: 1.0}").attacker.data) is float


@pytest.mark.parametrize(
    ("file", "name"),
    [("first look.yaml", "first-look"), ("a/b/c.d.yml", "c.d"), ("-.yaml", "plan"), ("日.yaml", "plan")],
)
def test_a_plan_without_a_name_is_called_as_its_file(file: str, name: str) -> None:
    assert parse_plan(LEAST, file)[0].name == name
    assert parse_plan(LEAST + "name: mine", file)[0].name == "mine"


def test_plans_are_read_from_files_and_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(LEAST)
    read, document = load_plan(tmp_path / "a.yaml")
    assert read.name == "a"
    assert document.name == str(tmp_path / "a.yaml")
    assert load_plan("quickstart")[0].name == "quickstart"
    assert load_plan("invariance/alpha")[0].name == "invariance-alpha"


def test_a_plan_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"nowhere\.yaml: cannot be read"):
        load_plan(tmp_path / "nowhere.yaml")
    with pytest.raises(MethodNotFound, match=r"no pack has a plan 'quickstrt'.*did you mean 'quickstart'"):
        load_plan("quickstrt")


def test_a_file_that_is_no_text_is_a_plan_error(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PlanError, match="cannot be read"):
        load_plan(tmp_path / "a.yaml")


# --- what is wrong with plans -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "# nothing\n", "- uchida\n", "uchida\n", "3\n"])
def test_what_is_no_mapping_is_no_plan(text: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith("p.yaml:1: a plan is a mapping with `tasks` and `schemes`")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: [1\nb: 2", 2, "not valid YAML"),
        ("a: 1\n\tb: 2", 2, "not valid YAML"),
        ("a: 1\nb: \x07", 2, "character #x0007"),
        ("a: 1\n---\nb: 2", 2, "not valid YAML"),
        ("a: !!python/name:os.system", 1, "has no meaning in a plan"),
        ("a: 1\nb: {c: 1,\n c: 2}", 3, "'c' is given twice (first in line 2)"),
        ("a: 1\nb: 2\na: 3", 3, "'a' is given twice (first in line 1)"),
        ("a: 1\n? [b]\n: 1", 2, "a list or mapping stands where a name is expected"),
        ("a: {{ x }}", 1, "a list or mapping stands where a name is expected"),
        ("a: &loop\n  - *loop", 1, "an alias that contains itself"),
        ("a: *nothing", 1, "undefined alias"),
    ],
    ids=["bracket", "tab", "control character", "two documents", "python tag", "duplicate within", "duplicate",
         "list as key", "template", "recursion", "alias"],
)  # fmt: skip
def test_bad_yaml_is_a_sentence_with_its_line(text: str, line: int, words: str) -> None:
    found = problems(text)
    assert found[0].startswith(f"p.yaml:{line}: ")
    assert words in found[0]


def test_every_problem_is_told_at_once_in_the_order_of_the_file() -> None:
    found = problems(
        """\
        tasks:
          - datset: digits
            host: convnet
        schemes:
          - {uchida: 5}
          - {a: 1, b: 2}
          - 3
          - {id: uchida, prams: {}}
          - {uchida: , sweep: {bits: []}}
        attaks: prune
        attacker: {data: -3, sourc: owner, labels: maybe}
        seeds: [0, a, 1.5]
        split: {reserve: 1, sed: 3}
        verdict:
          rate: 0.7
          nul_models: 3
        removal: {amount: 0, kind: some}
        trainer: {loger: x}
        """
    )
    expected = [
        "2: tasks.0.dataset: is missing",
        "2: tasks.0.datset: unknown field, did you mean 'dataset'?",
        "5: schemes.0.params: expected a mapping, found 5",
        "6: schemes.1: expected one method and at most ['as', 'for', 'given', 'sweep'] beside it, found ['a', 'b']",
        "7: schemes.2: expected a method: its id, or `{id: parameters}`, found 3",
        "8: schemes.3.prams: unknown field, did you mean 'params'?",
        "9: schemes.4.sweep.bits: expected at least 1, found []",
        "10: attaks: unknown field, did you mean 'attacks'?",
        "11: attacker.data: expected a number of images, a fraction up to 1.0, `all` or `none`, found -3",
        "11: attacker.labels: expected true or false, found 'maybe'",
        "11: attacker.sourc: unknown field, did you mean 'source'?",
        "12: seeds.1: expected a whole number, found 'a'",
        "12: seeds.2: expected a whole number, found 1.5",
        "13: split.reserve: expected less than 1, found 1",
        "13: split.sed: unknown field, did you mean 'seed'?",
        "15: verdict.rate: expected less than 0.5, found 0.7",
        "16: verdict.nul_models: unknown field, did you mean 'null_models'?",
        "17: removal.kind: expected 'relative' or 'absolute', found 'some'",
        "17: removal.amount: expected greater than 0, found 0",
        "18: trainer.loger: unknown field, did you mean 'logger'?",
    ]
    assert [problem.removeprefix("p.yaml:") for problem in found] == expected


def test_a_name_near_nothing_is_answered_with_the_known_ones() -> None:
    (problem,) = problems(LEAST + "verdict: {xyz: 1}")
    assert (
        problem
        == "p.yaml:3: verdict.xyz: unknown field; known: rate, null_models, keys, nulls, tests, decoys, every_epoch"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("schemes: a", "no task: give `tasks:"),
        ("schemes: a\ndatasets: d", "`datasets` and `hosts` go together"),
        ("schemes: a\nhosts: d", "`datasets` and `hosts` go together"),
        ("tasks: [{dataset: d, host: h}]", "schemes: is missing"),
        ("tasks: [{dataset: d, host: h}]\nschemes: []", "expected at least 1"),
        (LEAST + "seeds: []", "expected at least 1"),
        (LEAST + "name: ../up", "name: expected a name, found"),
        (
            LEAST + "removal: {kind: relative, amount: 5}",
            "a relative `amount` is a share of the utility, at most 1",
        ),
        (LEAST + "metrics: 5", "expected a method"),
        (LEAST + "transfer: [mnist]", "transfer: expected a method"),
        (LEAST + "split: 5", "split: expected a mapping, found 5"),
        (LEAST + "about: [x]", "about: expected text"),
        (LEAST + "attacks: [{1: 2, a: 3}]", "`1` stands where a name is expected"),
        (LEAST + "1: 2", "`1` stands where a name is expected"),
        (LEAST + "attacker: {data: 1.5}", "a fraction up to 1.0"),
        (LEAST + "attacker: {data: true}", "found True"),
        (LEAST + "seeds: 0-4", "seeds: expected a number, found '0-4'"),
        (LEAST + "seeds: [yes]", "seeds.0: expected a number, found True"),
        (LEAST + "seeds: [3, 010]", "`010` is the number 8 in YAML"),
        (LEAST + "verdict: {null_models: 1:30}", "`1:30` is the number 90 in YAML"),
        (LEAST + "verdict: {null_models: yes}", "verdict.null_models: expected a number, found True"),
        (LEAST + "name: 'p\n", ", while scanning a quoted scalar that begins in line 3"),
        (LEAST + "verdict: {rate: 0.1\n", ", while parsing a flow mapping that begins in line 3"),
    ],
)
def test_each_fault_has_its_sentence(text: str, words: str) -> None:
    found = problems(text)
    assert len(found) == 1, found
    assert words in found[0]


def test_missing_tasks_are_told_together_with_missing_schemes() -> None:
    assert len(problems("about: x")) == 2


def test_zero_is_no_way_to_write_no_parameters() -> None:
    """`prune: 0` might be meant for a sparsity of zero."""
    assert "found 0" in problems(LEAST + "attacks: [{prune: 0}]")[0]


def test_a_place_that_is_not_in_the_file_is_told_by_what_holds_it() -> None:
    document = parse("a:\n  b: 1\n", "p.yaml")
    assert document.where(("a", "b")) == "p.yaml:2"
    assert document.where(("a", "c", 3)) == "p.yaml:1"
    assert document.where(("z",)) == "p.yaml:1"
