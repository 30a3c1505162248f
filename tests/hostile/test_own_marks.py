"""A mark that one embedded here runs one's own code without flags; the same mark elsewhere, or changed, does not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ownmark.errors import UntrustedFile
from ownmark.ownership import attack, verify
from ownmark.ownership.mine import is_mine, remember


@pytest.fixture
def at_home(own_code: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The mark, where it was embedded."""
    monkeypatch.setenv("XDG_STATE_HOME", str(own_code.parent / "state"))
    return own_code


def test_ones_own_mark_is_verified_without_flags(at_home: Path, tmp_path: Path) -> None:
    assert verify(at_home, at_home / "released", device="cpu")["claim"] is True
    moved = Path(shutil.copytree(at_home, tmp_path / "moved"))
    assert verify(moved, at_home / "released", device="cpu")["claim"] is True


def test_ones_own_mark_is_attacked_without_flags(
    at_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attack(at_home / "released", "prune: {sparsity: 0.1}", tmp_path / "left", device="cpu")
    assert verify(at_home, tmp_path / "left", device="cpu")["claim"] is True
    with pytest.raises(UntrustedFile, match="--images"):
        attack(at_home / "released", "finetune", tmp_path / "tuned", given="{data: 50}", device="cpu")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    with pytest.raises(UntrustedFile, match="--trust"):
        attack(at_home / "released", "prune", tmp_path / "none", device="cpu")


@pytest.mark.parametrize("name", ["released/model.json", "owner/claim.json"])
def test_a_mark_that_says_something_else_is_a_strangers(at_home: Path, tmp_path: Path, name: str) -> None:
    changed = Path(shutil.copytree(at_home, tmp_path / "changed"))
    said = json.loads((changed / name).read_text())
    (changed / name).write_text(json.dumps(said | {"more": 1}))
    assert is_mine(at_home)
    assert not is_mine(changed)
    with pytest.raises(UntrustedFile):
        verify(changed, at_home / "released", device="cpu")


@pytest.mark.parametrize("state", ["elsewhere", "a file"])
def test_elsewhere_nothing_is_known(
    own_code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / state))
    assert not is_mine(own_code)
    with pytest.raises(UntrustedFile, match="--trust-mark"):
        verify(own_code, own_code / "released", device="cpu")
    remember(own_code)  # where nothing can be noted, nothing breaks
    assert is_mine(own_code) is (state == "elsewhere")


def test_marks_without_code_leave_no_note(mark: Path, tmp_path: Path) -> None:
    assert not is_mine(mark)
    assert not is_mine(tmp_path / "nowhere")
