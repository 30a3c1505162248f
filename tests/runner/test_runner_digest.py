"""Digests: what a stage's key depends on, and what it does not."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from ownmark.methods import Declaration, Kind, Need
from ownmark.runner import sources
from ownmark.runner.digest import digest, identity
from ownmark.runner.session import prepare
from ownmark.runner.sources import source_digest

FILES = {
    "__init__.py": "",
    "method/__init__.py": "",
    "method/attack.py": "import json\nfrom digested.method import parts\nimport digested.shared.tool as t\n",
    "method/parts.py": "def g():\n    from ..late import h\n    return h\n",
    "method/config.py": "A = 1\n",
    "method/other.py": "A = 1\n",
    "shared/__init__.py": "",
    "shared/tool.py": "from .deep import d\n",
    "shared/deep.py": "d = 1\n",
    "late.py": "import ownmark.stats.intervals\nh = 1\n",
    "unrelated.py": "A = 1\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package `digested`, new for each test."""
    for name, text in FILES.items():
        path = tmp_path / "digested" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    forget()
    yield tmp_path / "digested"
    forget()


def forget() -> None:
    importlib.invalidate_caches()
    for name in [name for name in sys.modules if name.partition(".")[0] == "digested"]:
        del sys.modules[name]


@pytest.fixture
def changes(package: Path) -> Callable[[str], bool]:
    """Whether a line added to a file changes the attack's digest."""

    def change(name: str) -> bool:
        before = source_digest("digested.method.attack")
        path = package / name
        path.write_text(path.read_text() + "changed = 1\n")
        forget()
        return source_digest("digested.method.attack") != before

    return change


@pytest.mark.parametrize(
    "name", ["method/attack.py", "method/parts.py", "shared/tool.py", "shared/deep.py", "late.py"]
)
def test_a_change_of_what_a_method_imports_changes_its_digest(
    name: str, changes: Callable[[str], bool]
) -> None:
    """Directly or not, by relative imports, and inside functions."""
    assert changes(name)


@pytest.mark.parametrize("name", ["unrelated.py", "method/other.py", "method/config.py"])
def test_a_change_of_anything_else_does_not(name: str, changes: Callable[[str], bool]) -> None:
    assert not changes(name)


def test_reading_sources_imports_no_method(package: Path) -> None:
    source_digest("digested.method.attack")
    assert "digested.method.attack" not in sys.modules
    assert "digested.late" not in sys.modules


def test_circular_imports_and_missing_modules_are_no_trouble(package: Path) -> None:
    (package / "late.py").write_text(
        "import digested.method.attack\nfrom digested import nowhere\nimport digested.gone\n"
    )
    assert len(source_digest("digested.method.attack")) == 64


def test_statistics_count_and_sentences_do_not(package: Path) -> None:
    plain = source_digest("digested.unrelated")
    (package / "unrelated.py").write_text("A = 1\nimport ownmark.errors\nimport numpy\n")
    forget()
    runner = source_digest("digested.unrelated")
    (package / "unrelated.py").write_text(
        "A = 1\nimport ownmark.errors\nimport numpy\nimport ownmark.stats.exact\n"
    )
    forget()
    assert len({plain, runner, source_digest("digested.unrelated")}) == 3


def declared(**fields: object) -> Declaration:
    base = {"id": "a", "kind": Kind.ATTACK, "target": "digested.method.attack:A", "summary": "s",
            "distribution": "ownmark-x"}  # fmt: skip
    return Declaration(**{**base, **fields})  # type: ignore[arg-type]


def test_a_methods_identity_changes_with_all_that_decides_what_it_does(package: Path) -> None:
    variants = [
        identity(declared(), None),
        identity(declared(version="2"), None),
        identity(declared(id="b"), None),
        identity(declared(distribution="ownmark-y"), None),
        identity(declared(target="digested.method.parts:A"), None),
        identity(declared(config="digested.method.config:C"), None),
        identity(declared(needs=frozenset({Need.DATA})), None),
        identity(declared(), Need.DATA),
        identity(declared(), None, [identity(declared(), None)]),
    ]
    assert len({digest(one) for one in variants}) == len(variants)


def test_a_methods_identity_ignores_what_is_for_people(package: Path) -> None:
    assert identity(declared(summary="other", threat_model="x", deviations=("y",)), None) == identity(
        declared(), None
    )


def test_digests_know_no_order_of_keys() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": (1, 2), "a": 1})
    assert digest({"a": 1}) != digest({"a": 1.5})


SWEPT = {
    "attacks": "schemes: [{uchida: {bits: 8}}]\nattacks: [{id: prune, sweep: {sparsity: [%s]}}]\n",
    "schemes": "schemes: [{id: uchida, params: {bits: 8}, sweep: {strength: [%s]}}]\n",
}


@pytest.mark.parametrize("swept", SWEPT)
def test_sources_are_followed_once_for_a_method_however_often_it_is_used(
    workshop, swept: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    followed: list[tuple[str, ...]] = []
    former = sources._followed

    def counting(modules: Iterable[str]) -> Iterator[tuple[str, str]]:
        followed.append(tuple(modules))
        return former(followed[-1])

    monkeypatch.setattr(sources, "_followed", counting)
    counts = []
    for points in (2, 12):
        followed.clear()
        plan = workshop.write(SWEPT[swept] % ", ".join(f"0.{i + 10}" for i in range(points)))
        session = prepare(plan, workshop.folder / "out", workshop.store, "cpu", None, workshop.catalog)
        assert len(session.graph().wanted) == points
        counts.append(len(followed))
    assert counts[0] == counts[1] > 3
