"""`ownmark show MARK`: what the key is worth, as stated and as measured."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from ownmark.cli import main
from ownmark.ownership.showing import show_mark
from ownmark.ownership.sums import write_sums


def said(mark: Path) -> str:
    result = CliRunner().invoke(main, ["show", str(mark)])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_keyed_mark_shows_what_its_decoys_found(mark: Path) -> None:
    text = said(mark)
    assert "bits stated; at least 6.6 bits measured (0 of 99 fresh keys match as much)" in text
    assert "content on digits" in text


def test_a_mark_in_weights_states_what_its_projection_may_be(bits: Path) -> None:
    assert "53 bits stated; at least 6.6 bits measured (0 of 99 fresh keys match as much)" in said(bits)


@pytest.mark.parametrize(
    ("as_much", "told"), [(0, "at least 5.3 bits"), (1, "4.3 bits"), (39, "0.0 bits"), (9, "2.0 bits")]
)
def test_decoys_that_match_as_much_cost_bits(mark: Path, tmp_path: Path, as_much: int, told: str) -> None:
    folder = Path(shutil.copytree(mark, tmp_path / "mark"))
    path = folder / "owner" / "claim.json"
    claim = json.loads(path.read_text())
    claim["readers"]["default"]["found"] |= {"n": 39, "as_much": as_much}
    path.write_text(json.dumps(claim))
    if (folder / "owner" / "sums.json").exists():
        write_sums(folder / "owner")
    text = "\n".join(show_mark(folder))
    assert f"; {told} measured ({as_much} of 39 fresh keys match as much)" in text


def test_an_old_mark_states_nothing(mark: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(mark, tmp_path / "mark"))
    path = folder / "owner" / "claim.json"
    claim = json.loads(path.read_text())
    for name in ("bits", "found"):
        del claim["readers"]["default"][name]
    path.write_text(json.dumps(claim))
    assert "its entropy is not stated" in "\n".join(show_mark(folder))
