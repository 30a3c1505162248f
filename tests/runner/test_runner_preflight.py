"""What can be known to be wrong is told before anything is trained, all of it at once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ownmark.errors import PlanError
from ownmark.runner.session import prepare

Problems = Callable[..., list[str]]


@pytest.fixture
def problems(workshop) -> Problems:  # type: ignore[no-untyped-def]
    """Sentences without `file:`; and nothing was trained, and no folder was made."""

    def find(text: str, task: str = "") -> list[str]:
        with pytest.raises(PlanError) as caught:
            workshop.run(text, **({"task": task} if task else {}))
        assert workshop.progress.stages == []
        assert [path.name for path in workshop.folder.iterdir()] == ["tiny.yaml"]
        return [problem.removeprefix(f"{workshop.folder}/tiny.yaml:") for problem in caught.value.problems]

    return find


TASK = "tasks: [{dataset: {digits: {limit_train: 50}}, host: {convnet: {width: 0.25}}}]\n"


def only(found: list[str]) -> str:
    assert len(found) == 1, found
    return found[0]


def test_everything_is_told_at_once_in_the_order_of_the_file(
    problems: Problems, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OWNMARK_DATA", raising=False)
    found = problems(
        """\
  - dataset: mnist
    host: lenet5
  - dataset: {digits: {limit_train: 50}}
    host: {convnett: {}}
schemes:
  - {uchida: {bits: 100000}}
  - {uchida: {layer: features.9}, as: elsewhere}
  - {uchida: {bitts: 8}, as: misspelt}
  - nomark
attacks:
  - {prune: {sparsity: 2}}
  - {finetune: , given: {data: none}}
  - {finetune: , as: greedy, given: {data: 5000}}
  - {finetune: , as: foreign, given: {transfer: 10}}
extractors: [default, absent]
metrics: [unfed]
trainer: {logger: nowhere.at:All}
""",
        TASK.strip().replace("[", "\n  - ").replace("]", "\n"),
    )
    expected = [
        "3: dataset core/mnist", "6: no pack has a host 'convnett'", "8: scheme uchida on digits/convnet: 100000 bits",
        "9: scheme elsewhere on digits/convnet: no convolution or linear layer 'features.9'",
        "10: scheme whitebox/uchida has no parameter 'bitts'; did you mean 'bits'?",
        "11: no pack has a scheme 'nomark'",
        "13: attack repair/prune: parameter 'sparsity'", "14: attack finetune needs",
        "15: finetune on digits/convnet: the attacker is given 5000 images",
        "16: finetune is given 10 transfer images, but the plan names no `transfer` dataset",
        "17: extractor trial-marks/absent", "18: metric unfed takes nothing that this runner measures",
        "19: cannot make 'nowhere.at:All': ModuleNotFoundError",
    ]  # fmt: skip
    lines = [int(problem.partition(":")[0]) for problem in found]
    assert lines == sorted(lines)
    for sentence in expected[1:]:
        assert [problem for problem in found if problem.startswith(sentence)], (sentence, found)
    assert [problem for problem in found if problem.startswith("3: ") and "OWNMARK_DATA" in problem]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("schemes: signs\nattacks: {learns: , given: {data: none}}", "learns needs labelled images"),
        ("schemes: signs\nattacks: learns\nattacker: {labels: false}", "learns needs labelled images"),
        (
            "schemes: signs\nattacks: {wraps: {inner: learns}}\nattacker: {labels: false}",
            "wraps needs labelled images",
        ),
        (
            "schemes: signs\nattacks: {learns: , given: {dta: 3}}",
            "given.dta: unknown field, did you mean 'data'?",
        ),
        ("schemes: signs\nattacks: {learns: , given: {data: 0.001}}", "0.001 of 40 images is none"),
        ("schemes: signs\nattacks: {learns: , given: {data: 1.0}}", "given 40 images, but only 10 are there"),
        ("schemes: signs\nattacks: prune\nsplit: {reserve: 0}", "reserve a share, or use `source: owner`"),
        ("schemes: signs\nattacks: {wraps: {inner: nothing}}", "no pack has an attack 'nothing'"),
        ("schemes: signs\nattacks: {wraps: {}}", "needs the parameter 'inner'"),
        ("schemes: signs\nattacks: {none: {x: 1}}", "'none' takes no parameters"),
        ("schemes: {signs: , given: {data: 1}}", "`given` is for attacks"),
        (
            "schemes: faulty",
            "check broke off, which is a fault of the pack trial-marks unknown: TypeError: unsupported",
        ),
        ("schemes: signs\nextractors: absent", "absent"),
        ("schemes: signs\nattacks: [prune, {prune: {sparsity: 0.1}}]", "two attacks are called 'prune'"),
        ("schemes: [signs, {signs: {bits: 3}}]", "two schemes are called 'signs'"),
        ("schemes: signs\nattacks: [takes, {takes: , given: {data: 3}}]", "two attacks are called 'takes'"),
        (
            "schemes: signs\ntransfer: {digits: {limit_train: 9}}\nattacker: {transfer: 10}",
            "and digits has 9",
        ),
        (
            "schemes: signs\ntrainer: {callbacks: trial_marks.watching:Watch}",
            "missing 1 required positional argument",
        ),
        ("schemes: signs\ntrainer: {callbacks: {Watch: {path: x}}}", "write it as package.module:Class"),
        ("schemes: signs\nremoval: {kind: relative, amount: 1.5}", "at most 1; found 1.5"),
        ("schemes: signs\nattacks: []", "attacks: expected at least 1"),
        ("schemes: signs\nextractors: []", "extractors: expected at least 1"),
        (
            "schemes: signs\nverdict: {decoys: 18}",
            "18 decoys nothing can be claimed at a rate of 0.05: it takes 19",
        ),
        ("schemes: signs\nverdict: {rate: 0.001, decoys: 99}", "at a rate of 0.001: it takes 999"),
    ],
)
def test_each_fault_has_its_one_sentence(text: str, words: str, problems: Problems) -> None:
    assert words in only(problems(text, TASK))


def test_all_points_of_a_sweep_are_looked_at(problems: Problems) -> None:
    found = problems("schemes: signs\nattacks: {prune: , sweep: {sparsity: [0.5, 2, -1]}}", TASK)
    assert len(found) == 2
    assert "not 2" in found[0] + found[1]
    assert "not -1" in found[0] + found[1]


def test_a_host_too_large_for_the_images_is_told_with_its_line(problems: Problems) -> None:
    found = only(problems("schemes: signs\ndatasets: [{digits: {limit_train: 50}}]\nhosts: [vgg]\n", " \n"))
    assert found.startswith("4: task digits/vgg: ")


def test_tasks_that_share_a_name_are_told_apart_by_their_datasets(workshop) -> None:  # type: ignore[no-untyped-def]
    """Two recipes of one host on two datasets are no two tasks of one name."""
    text = """
tasks:
  - {dataset: {digits: {limit_train: 60}}, host: {convnet: {width: 0.25, recipe: {epochs: 0}}}}
  - {dataset: {digits: {limit_train: 50, size: 16}, as: large}, host: {convnet: {width: 0.5, recipe: {epochs: 0}}}}
schemes: [{signs: {bits: 8}}]
verdict: {null_models: 1, keys: 1}
"""
    assert not workshop.run(text, task="").failed


def test_attacks_of_one_name_are_for_different_schemes(problems: Problems) -> None:
    text = "schemes: [{uchida: {bits: 9}}, {uchida: {bits: 8}, as: short}]\nattacks:\n"
    text += "  - {prune: , for: uchida}\n  - {prune: {sparsity: 0.5}, for: %s}\n"
    assert "two attacks are called 'prune'" in only(problems(text % "[short, uchida]"))
    assert "no scheme of this plan is called 'riga'" in only(problems(text % "riga"))
    assert "two attacks are called 'prune'" in only(problems(text.replace(", for: %s", "")))


def test_for_is_said_of_attacks_and_schemes_only(problems: Problems) -> None:
    text = "schemes: [{uchida: {bits: 8}}]\nextractors: [{default: , for: uchida}]\n"
    assert only(problems(text)).endswith("`for` is for attacks and schemes, and default is neither")


# --- all at once, in words that help ---------------------------------------------------------------------------------


def at_once(text: str) -> list[str]:
    from ownmark.runner.session import load_plan

    with pytest.raises(PlanError) as error:
        load_plan(text)
    return list(error.value.problems)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [("verdict: {rate: 7}", "verdict.rate"), ("seeds: []", "seeds"), ("removal: {amount: -1}", "removal.amount"),
     ("colour: red", "unknown field"), ("split: {reserve: 2}", "split.reserve")],
)  # fmt: skip
def test_a_value_out_of_range_hides_no_other_problem(tmp_path: Path, wrong: str, said: str) -> None:
    (tmp_path / "p.yaml").write_text(
        f"tasks: [{{dataset: {{digits: {{size: 9}}}}, host: nowhere}}]\n{wrong}\nschemes: [{{uchida: {{bits: 0}}}}]\n"
        "attacks: [prunee]\nmetrics: agreement\n"
    )
    problems = at_once(str(tmp_path / "p.yaml"))
    assert [int(one.removeprefix(f"{tmp_path}/p.yaml:").split(":")[0]) for one in problems] == [1, 1, 2, 3, 4]
    assert any(said in one for one in problems)
    for name in ("size", "nowhere", "bits", "prunee"):
        assert any(name in one for one in problems)


@pytest.mark.parametrize(
    "section", ["schemes: {sweep: {a: [1]}}", "schemes: 3", "tasks: 5\nschemes: uchida", "schemes:"]
)
def test_what_is_no_entry_is_left_to_the_first_check(tmp_path: Path, section: str) -> None:
    (tmp_path / "p.yaml").write_text(f"{section}\nattacks: [prunee]\n")
    assert any("prunee" in one for one in at_once(str(tmp_path / "p.yaml")))


def test_hints_name_what_the_check_then_takes(tmp_path: Path) -> None:
    tasks = "tasks: [{dataset: %s, host: lenet5}, {dataset: {digits: {size: 32, limit_train: 60}}, host: lenet5}]\n"
    text = (
        tasks % "{digits: {size: 32, limit_train: 50}}"
        + "schemes: {uchida: {bits: 8}}\nverdict: {null_models: 1}\n"
    )
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(
        PlanError, match=r"two tasks are called .*beside its dataset or host: `dataset: .*as: another"
    ):
        prepare(tmp_path / "p.yaml", tmp_path / "o", tmp_path / "s", "cpu", None, None)
    (tmp_path / "p.yaml").write_text(text.replace("limit_train: 50}", "limit_train: 50}, as: another name"))
    prepare(tmp_path / "p.yaml", tmp_path / "o", tmp_path / "s", "cpu", None, None)


def test_a_plan_that_is_checked_says_how_many_cells_it_has(tmp_path: Path) -> None:
    from ownmark.runner.progress import Silent

    class Listening(Silent):
        def checking(self, cells: int) -> None:
            told.append(cells)

    told: list[int] = []
    text = "tasks: {dataset: {digits: {limit_train: 60}}, host: {convnet: {width: 0.25}}}\n"
    text += "schemes: [%s]\nseeds: [0, 1]\n"
    for scheme, count in (("uchida", 2), ("uchida, content", 4), ("nothing", 2)):
        (tmp_path / "p.yaml").write_text(text % scheme)
        with contextlib.suppress(PlanError):
            prepare(tmp_path / "p.yaml", tmp_path / "o", tmp_path / "s", "cpu", Listening(), None)
        assert told.pop() == count
