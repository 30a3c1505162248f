"""Two small marks: one of a host of the core, one of a host that the owner's own code builds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ownmark.ownership import embed

PLAN = """
tasks: [{dataset: {digits: {limit_train: 300}}, host: {%s: {%s, recipe: {epochs: 12, batch_size: 16}}}}]
schemes: [{uchida: {bits: 16, strength: 1.0%s}}]
verdict: {null_models: 1, keys: 20}
"""
OWN = (
    "target: ownmark.builtin.hosts.module:perceptron, "
    "arguments: {inputs: $channels, classes: $classes, side: $height}"
)


def write_plan(
    folder: Path, host: str = "convnet", parameters: str = "width: 0.25", scheme: str = ""
) -> Path:
    path = folder / "plan.yaml"
    path.write_text(PLAN % (host, parameters, scheme))
    return path


@pytest.fixture(scope="session")
def mark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mark")
    return embed(write_plan(folder), folder / "mark", device="cpu").folder


@pytest.fixture(scope="session")
def own_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mark whose host is `module`, of which this user's notes know nothing."""
    folder = tmp_path_factory.mktemp("own")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        return embed(write_plan(folder, "module", OWN, ", layer: '1'"), folder / "mark", device="cpu").folder


Suspect = Callable[..., Path]


@pytest.fixture
def suspect(mark: Path, tmp_path: Path) -> Suspect:
    """A copy of the released folder; its `model.json` says what the arguments say."""

    def make(**says: Any) -> Path:
        folder = Path(shutil.copytree(mark / "released", tmp_path / "suspect"))
        about = json.loads((folder / "model.json").read_text())
        (folder / "model.json").write_text(json.dumps(about | says))
        return folder

    return make


@pytest.fixture
def plan() -> Callable[[Path], Path]:
    """Writes a plan of one small mark into a folder."""
    return write_plan
