"""A pack whose hooks import torch is found out: the methods of its entry point are missing where torch is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.testing.installing import dist_info

from ownmark.discovery import clear, discover
from ownmark.discovery.local import PACKS
from ownmark.methods import Kind
from ownmark.testing import CheckFailed, run_check
from ownmark.testing.check import REGISTRY
from ownmark.testing.imports import light_methods

HOOKS = """
from ownmark.hookspecs import hookimpl
from ownmark.methods import Declaration, Kind

@hookimpl
def ownmark_attacks():
    return [Declaration(id="{id}", kind=Kind.ATTACK, target="ownmark.testing.fakes:Echo", summary="echo")]
"""


@pytest.fixture
def two_packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, prelude in (("heavy", "import torch\n"), ("light", "")):
        (tmp_path / f"{name}_marks.py").write_text(prelude + HOOKS.format(id=f"{name}-echo"))
        dist_info(tmp_path, f"{name}-marks", {"main": f"{name}_marks"})
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    clear()
    yield
    clear()


def test_only_the_pack_that_imports_torch_is_blamed(two_packs: None) -> None:
    check = REGISTRY["declaration-imports-lightly"]
    run_check(check, discover().find(Kind.ATTACK, "light-echo"))
    with pytest.raises(CheckFailed, match=r"heavy-marks/heavy-echo is not listed where torch"):
        run_check(check, discover().find(Kind.ATTACK, "heavy-echo"))


def test_a_folder_that_is_named_later_is_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PACKS, raising=False)
    before = light_methods()
    monkeypatch.setenv(PACKS, str(Path(__file__).parents[2] / "templates" / "scheme-pack"))
    assert {name for name in light_methods() - before if "acme-marks/" in name}
    monkeypatch.delenv(PACKS)
    assert light_methods() == before


FIRST_TIME = """
from importlib import import_module
from ownmark.testing.states import ambient, disturbed
for name in ("rich.style", "rich.console", "torchmetrics"):
    before = ambient()
    import_module(name)
    print(name, disturbed(before))
"""


def test_no_method_is_blamed_for_what_an_import_draws() -> None:
    done = subprocess.run([sys.executable, "-c", FIRST_TIME], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["rich.style []", "rich.console []", "torchmetrics []"]
