"""Entries name what computed them, records what differs from now, no plan loses records unsaid."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ownmark.runner import environment as module
from ownmark.runner.environment import differing

PLAN = "schemes: [{signs: {bits: 24}}]\nattacks: [none]\n"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    module.environment.cache_clear()
    yield
    module.environment.cache_clear()


def upgraded(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    module.environment.cache_clear()
    if what == "torch":
        monkeypatch.setattr("torch.__version__", "9.9.9")
    else:
        monkeypatch.setattr(module, "version_of", lambda name: "9.9.9" if name == "numpy" else "1")


@pytest.mark.parametrize("what", ["torch", "numpy"])
def test_a_record_names_what_computed_it_and_a_plan_may_ask_to_recompute(  # type: ignore[no-untyped-def]
    workshop, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    first = workshop.run(PLAN).records[0]["provenance"]
    assert "differs" not in first
    for manifest in workshop.store.glob("*/*/*/manifest.json"):
        about = json.loads(manifest.read_text())["environment"]
        assert about[what] == first[what]
        assert about["packs"]["ownmark"]
    upgraded(monkeypatch, what)
    again = workshop.run(PLAN).records[0]["provenance"]
    assert workshop.progress.stages == []
    assert again[what] == first[what]
    assert again["differs"]["now"][what] == "9.9.9"
    assert again["differs"][what]["host"] == first[what]
    anew = workshop.run(PLAN + "recompute: on-upgrade\n").records[0]["provenance"]
    assert workshop.progress.stages
    assert anew[what] == "9.9.9"
    assert "differs" not in anew


def test_an_entry_without_an_environment_says_so() -> None:
    assert differing({"torch": "2"}, {"host": {}}) == {"environment": {"host": "not recorded"}}


@pytest.mark.parametrize(
    "other", ["schemes: [{signs: {bits: 16}}]\n", "schemes: [{signs: {bits: 8}}]\nseeds: 1\n"]
)
def test_another_plan_of_that_name_says_what_it_removes(workshop, other: str) -> None:  # type: ignore[no-untyped-def]
    workshop.run(PLAN)
    assert not [note for note in workshop.progress.notes if "removed" in note]
    workshop.run(other)
    assert [note for note in workshop.progress.notes if note.startswith("removed 1 records")]
