"""Attacks on bare files, and what is left of a network afterwards."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from ownmark.cli import main
from ownmark.errors import OwnmarkError
from ownmark.ownership import attack, verify
from ownmark.ownership.folder import model_state

PRUNE = "prune: {sparsity: 0.3}"


def bare(mark: Path, folder: Path, form: str) -> Path:
    state = model_state(mark / "released")
    if form == "safetensors":
        return mark / "released" / "model.safetensors"
    torch.save({"state_dict": state} if form == "ckpt" else state, folder / f"stolen.{form}")
    return folder / f"stolen.{form}"


@pytest.mark.parametrize("form", ["safetensors", "pt", "ckpt"])
def test_a_bare_file_is_attacked_and_the_accuracy_that_is_left_is_told(
    form: str, mark: Path, tmp_path: Path
) -> None:
    left = attack(
        bare(mark, tmp_path, form), PRUNE, tmp_path / "left", network="convnet", images="digits", device="cpu"
    )
    assert left.accuracy["before"] > 0.9
    assert 0.5 < left.accuracy["after"] <= 1.0
    assert verify(mark, left.folder, device="cpu")["claim"] is True
    state = model_state(left.folder)
    assert float((state["features.2.conv.weight"] == 0).float().mean()) > 0.1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "--network"),
        ({"images": "digits"}, "--network"),
        ({"network": "convnet"}, "--images"),
        ({"network": "convent", "images": "digits"}, "convnet"),
        ({"network": "lenet5", "images": "digits"}, "lenet5"),
    ],
)
def test_a_file_without_a_structure_is_refused(
    options: dict[str, str], says: str, mark: Path, tmp_path: Path
) -> None:
    with pytest.raises(OwnmarkError, match=says):
        attack(bare(mark, tmp_path, "pt"), PRUNE, tmp_path / "left", device="cpu", **options)
    assert not (tmp_path / "left").exists()


def test_the_command_prints_the_accuracy_that_is_left(mark: Path, tmp_path: Path) -> None:
    file, into = str(bare(mark, tmp_path, "pt")), str(tmp_path / "left")
    asked = [
        "attack",
        file,
        PRUNE,
        "--network",
        "convnet",
        "--data",
        "digits",
        "--into",
        into,
        "--device",
        "cpu",
    ]
    said = CliRunner().invoke(main, asked)
    assert said.exit_code == 0, said.output
    assert re.search(r"accuracy: [01]\.\d{3} before, [01]\.\d{3} left", said.output)
    assert "left" in said.output
    said = CliRunner().invoke(
        main, ["attack", str(mark / "released"), PRUNE, "--into", str(tmp_path / "other")]
    )
    assert said.exit_code == 0, said.output
    assert "accuracy" not in said.output
