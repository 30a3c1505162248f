"""Choosing checks, expecting failures, printing rows."""

from __future__ import annotations

import dataclasses
import unittest
from pathlib import Path

import pytest

from ownmark.builtin.datasets.image_folder import ImageFolder
from ownmark.discovery import discover
from ownmark.errors import MethodNotFound
from ownmark.methods import Declaration, Kind, Need
from ownmark.newpack import create_pack
from ownmark.testing import (
    CheckFailed,
    CheckSkipped,
    check_rows,
    checks_for,
    methods_called,
    parametrize_with_checks,
    run_check,
    with_fakes,
)
from ownmark.testing.check import REGISTRY
from ownmark.testing.fakes import FAKES
from ownmark.testing.suite import Row, case_id, expected_reason

ECHO = next(method for method in FAKES if method.id == "fake-echo")
SCALE = next(method for method in FAKES if method.id == "fake-scale")
REFUSES = REGISTRY["attack-idle-is-the-identity"]


def ids(declaration: Declaration) -> set[str]:
    return {check.id for check in checks_for(declaration)}


def test_checks_are_chosen_by_kind_needs_and_idle_arguments() -> None:
    labelled = dataclasses.replace(ECHO, needs=frozenset({Need.LABELS}))
    assert {name.partition("-")[0] for name in ids(ECHO)} == {"attack", "declaration", "method"}
    assert ids(labelled) - ids(ECHO) == {"attack-refuses-to-work-without-labels"}
    assert ids(SCALE) - ids(ECHO) == {"attack-idle-is-the-identity"}


def test_case_ids_are_unique_though_kinds_share_names() -> None:
    cases = [case_id(check, method) for method in FAKES for check in checks_for(method)]
    assert len(set(cases)) == len(cases)


@pytest.mark.parametrize(
    "name", ["ownmark-fakes", "fakes", "fakes/fake-echo", "ownmark-fakes/fake-echo", "fake-echo"]
)
def test_methods_are_called_by_distribution_pack_or_id(name: str) -> None:
    found = methods_called(name, with_fakes())
    assert ECHO in found
    assert len(found) == (len(FAKES) if name in ("ownmark-fakes", "fakes") else 1)


def test_an_unknown_name_says_which_packs_there_are() -> None:
    with pytest.raises(MethodNotFound, match=r"called 'acme'; the packs are .*fakes.*ownmark list"):
        methods_called("acme", with_fakes())


@pytest.mark.parametrize("written", ["new-marks", "./new-marks", "new-marks/"])
def test_the_folder_of_a_pack_that_nobody_installed_is_recognised(
    written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_pack("new-marks", tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        MethodNotFound, match=rf"pip install -e {written}, .* ownmark --pack {written} check new-marks"
    ):
        methods_called(written, with_fakes())
    with pytest.raises(MethodNotFound, match="is called 'old-marks'; the packs are"):
        methods_called("old-marks", with_fakes())


def test_a_declaration_that_nobody_installed_can_be_checked() -> None:
    run_check(REGISTRY["attack-repeats-itself"], dataclasses.replace(ECHO, id="mine", distribution="mine"))


def test_a_bug_in_a_method_is_a_failed_check() -> None:
    bad = dataclasses.replace(ECHO, target="ownmark.testing.fakes:NoSuchClass")
    with pytest.raises(CheckFailed, match="NoSuchClass"):
        run_check(REGISTRY["attack-repeats-itself"], bad)


def test_a_missing_optional_package_skips_what_needs_it() -> None:
    extra = dataclasses.replace(ECHO, requires={"no_such_module": "extra"})
    with pytest.raises(CheckSkipped, match=r"pip install 'ownmark-fakes\[extra\]'") as skipped:
        run_check(REGISTRY["attack-repeats-itself"], extra)
    assert isinstance(skipped.value, unittest.SkipTest)
    run_check(REGISTRY["declaration-names-its-source"], extra)


def test_data_that_are_not_here_skip_what_needs_them_and_are_asked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    look = ImageFolder.check
    monkeypatch.setattr(ImageFolder, "check", lambda self: (asked.append(self), look(self))[1])
    elsewhere = {"path": str(tmp_path / "nowhere")}
    folder = dataclasses.replace(discover().find(Kind.DATASET, "folder"), id="absent", smoke=elsewhere)
    of_data = [check for check in checks_for(folder) if check.id.startswith("dataset-")]
    assert len(of_data) > 5
    for check in of_data:
        with pytest.raises(CheckSkipped, match=r"its data are not here: .*nowhere"):
            run_check(check, folder)
    assert len(asked) == 1


def test_rows_say_what_passed() -> None:
    rows = {row.check: row for row in check_rows("fakes/fake-echo", with_fakes())}
    assert rows["attack-repeats-itself"] == Row("attack fakes/fake-echo", "attack-repeats-itself", "passed")
    assert rows["declaration-imports-lightly"].outcome == "skipped"
    assert not any(row.failed for row in rows.values())


class Expecting:
    """Sets what a pack announces in its `conformance` module."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, failures: dict[str, str]) -> None:
        monkeypatch.setattr("ownmark.testing.suite.announced", lambda declaration: failures)


def test_rows_tell_expected_failures_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = dataclasses.replace(SCALE, id="wrong", idle={"amount": 0.5})
    base = with_fakes()
    catalog = dataclasses.replace(base, methods=(*base.methods, wrong))
    (row,) = [row for row in check_rows("wrong", catalog) if row.check == REFUSES.id]
    assert row.failed
    assert "changes the weights" in row.message
    Expecting(monkeypatch, {f"wrong:{REFUSES.id}": "half is not nothing", f"fakes/wrong:{ECHO.id}": "-"})
    (row,) = [row for row in check_rows("wrong", catalog) if row.check == REFUSES.id]
    assert (row.outcome, row.message) == ("expected", "half is not nothing")
    assert not row.failed


def test_one_cause_is_told_once_and_before_what_suffers_from_it() -> None:
    base = with_fakes()
    signs = [method for method in FAKES if method.id == "fake-signs"]
    mine = [
        dataclasses.replace(method, id="mine", distribution="new-marks", extractor="mine" if method.extractor else "",
                            target=method.target.replace("SignMark", "SignMerk"))
        for method in reversed(signs)
    ]  # fmt: skip
    catalog = dataclasses.replace(base, methods=(*base.methods, *mine))
    failed = [row for row in check_rows("new-marks", catalog) if row.failed]
    assert "has no attribute 'SignMerk'" in failed[0].message
    assert failed[0].method == "scheme new-marks/mine"
    assert len(failed) > 5
    first = f"as said at {failed[0].method}: {failed[0].check}"
    assert {row.message for row in failed[1:] if "SignMerk" in row.message} == set()
    assert sum(row.message == first for row in failed) >= 5


def test_an_expected_failure_that_passes_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    Expecting(monkeypatch, {f"fakes/fake-scale:{REFUSES.id}": "it once did"})
    (row,) = [row for row in check_rows("fake-scale", with_fakes()) if row.check == REFUSES.id]
    assert row.failed
    assert "passes, though it was expected to fail (it once did)" in row.message


def test_expected_failures_become_strict_xfails() -> None:
    mark = parametrize_with_checks([SCALE], expected_failures={f"fake-scale:{REFUSES.id}": "why not"})
    marked = [parameter for parameter in mark.mark.args[1] if parameter.marks]
    assert [parameter.id for parameter in marked] == [f"fakes/fake-scale:{REFUSES.id}"]
    assert marked[0].marks[0].kwargs == {"reason": "why not", "strict": True, "raises": CheckFailed}


def test_expecting_a_check_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"no checks of these methods: fake-scale:attack-wins"):
        parametrize_with_checks([SCALE], expected_failures={"fake-scale:attack-wins": "it should"})


def test_a_pack_announces_its_expected_failures() -> None:
    method = next(m for m in with_fakes().of(Kind.SCHEME) if m.name == "triggers/content")
    assert "text" in (expected_reason(REGISTRY["scheme-other-keys-are-not-claimed"], method) or "")
