"""Weights that somebody trained, marked by a plan: what is released, whom it is for, and which null models count."""

from __future__ import annotations

import importlib
import json
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from ownmark.contracts import Images, predictions
from ownmark.discovery import discover
from ownmark.errors import NotApplicable
from ownmark.methods import Kind
from ownmark.ownership import embed, verify
from ownmark.ownership.folder import Claim

MODULE = "somebodys_network"
SOURCE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16)
        self.second, self.head = nn.Conv2d(16, 16, 3, padding=1), nn.Linear(16 * 16, 10)

    def forward(self, x):
        x = torch.relu(self.norm(self.first(x)))
        return self.head(torch.max_pool2d(torch.relu(self.second(x)), 2).flatten(1))

def loaded():
    net = Net()
    net.load_state_dict(torch.load(WEIGHTS, weights_only=True))
    return net
"""
MEAN, STD = 0.3, 0.35


def digits() -> Images:
    images: Images = discover().build(Kind.DATASET, "digits", None).load()
    return images


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with somebody's class, trained in plain torch on normalised images."""
    folder = tmp_path_factory.mktemp("private-place")
    (folder / f"{MODULE}.py").write_text(f"WEIGHTS = {str(folder / 'mine.pt')!r}\n{SOURCE}")
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    own = digits().train
    x, y = (own.x - MEAN) / STD, own.labels
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = fresh()
        optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
        for _ in range(5):
            for batch in torch.randperm(len(x)).split(64):
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
                optimizer.step()
    torch.save(net.state_dict(), folder / "mine.pt")
    save_file(net.state_dict(), folder / "mine.safetensors")
    yield folder
    sys.path.remove(str(folder))
    sys.modules.pop(MODULE, None)


def fresh() -> nn.Module:
    net: nn.Module = importlib.import_module(MODULE).Net()
    return net


def planned(folder: Path, scheme: dict[str, Any], host: dict[str, Any], **verdict: Any) -> Path:
    module = {"target": f"{MODULE}:Net", "mean": [MEAN], "std": [STD], **host}
    plan = {
        "tasks": [{"dataset": "digits", "host": {"module": module}}], "schemes": [scheme], "verdict": verdict,
    }  # fmt: skip
    (folder / "plan.yaml").write_text(json.dumps(plan))
    return folder / "plan.yaml"


SCHEMES: dict[str, dict[str, Any]] = {
    "uchida": {"uchida": {"bits": 32, "start": "trained", "strength": 1.0, "recipe": {"epochs": 2}}},
    "adi": {"adi": {"keys": 12, "start": "trained", "recipe": {"epochs": 8}}},
}


@pytest.fixture(scope="module", params=SCHEMES)
def owned(request: pytest.FixtureRequest, here: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    plan = planned(folder, SCHEMES[request.param], {"weights": str(here / "mine.pt")})
    return embed(plan, folder / "mark", max_loss=0.05, device="cpu").folder


def test_what_is_released_loads_into_the_owners_class(owned: Path, here: Path) -> None:
    state = load_file(owned / "released" / "model.safetensors")
    assert sorted(state) == sorted(fresh().state_dict())
    net = fresh()
    net.load_state_dict(state)
    test = digits().test
    assert float((predictions(net, (test.x - MEAN) / STD) == test.labels).float().mean()) > 0.9
    before = torch.load(here / "mine.pt", weights_only=True)
    assert any(not torch.equal(before[name], tensor) for name, tensor in state.items())
    assert verify(owned, owned / "released" / "model.safetensors", trust=True, device="cpu")["claim"] is True


def test_what_is_released_tells_nothing_and_is_for_everybody(owned: Path, here: Path) -> None:
    private = ["uchida", "adi", "recipe", "epochs", "mine.pt", here.name, str(owned.parent)]
    weights = (owned / "released" / "model.safetensors").read_bytes()
    head = weights[8 : 8 + int.from_bytes(weights[:8], "little")].decode()
    for text in (head, (owned / "released" / "model.json").read_text()):
        assert [word for word in private if re.search(rf"\b{re.escape(word)}\b", text)] == []
    assert "ownmark" not in head
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o044 == 0o044 for path in (owned / "released").iterdir())


def test_neither_null_models_nor_a_thiefs_share_are_made(owned: Path) -> None:
    about = json.loads((owned / "owner" / "claim.json").read_text())
    assert about["readers"]["default"]["null_hits"] == []
    assert about["split"]["reserve"] == 0


def test_clean_images_are_none_that_the_network_was_trained_on(owned: Path) -> None:
    seen = {image.numpy().tobytes() for image in digits().train.x}
    asked = [image.numpy().tobytes() for image in Claim.read(owned / "owner").controls.x]
    assert len(asked) > 50
    assert not any(image in seen for image in asked)


FILE = "mine.safetensors"
NO_NULLS: dict[str, tuple[dict[str, Any], str]] = {
    "a loading function and no training": ({"target": f"{MODULE}:loaded", "recipe": {"epochs": 0}}, "same weights"),
    "weights and no training": ({"weights": FILE, "recipe": {"epochs": 0}}, "null_weights"),
    "one file twice": ({"weights": FILE, "null_weights": [FILE, FILE]}, "same weights"),
}  # fmt: skip


@pytest.mark.parametrize("kind", NO_NULLS)
def test_copies_of_the_network_are_no_null_models(
    kind: str, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here)
    host, says = NO_NULLS[kind]
    scheme = {"content": {"keys": 10, "start": "trained", "recipe": {"epochs": 1}}}
    plan = planned(tmp_path, scheme, host, null_models=2, keys=1)
    with pytest.raises(NotApplicable, match=says):
        embed(plan, tmp_path / "mark", max_loss=1.0, device="cpu")
    assert not (tmp_path / "mark").exists()


def test_the_page_names_tests_that_exist() -> None:
    top = Path(__file__).resolve().parents[2]
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (top / "docs" / "marking.md").read_text())
    assert len(named) >= 9
    for file, test in named:
        assert f"\ndef {test}(" in (top / file).read_text(), (file, test)
