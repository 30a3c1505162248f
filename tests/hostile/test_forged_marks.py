"""Marks of claimants: what their claim says is bounded, shown escaped, and names no code, file or address to use."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ownmark.builtin.datasets.npz import Npz
from ownmark.discovery import discover
from ownmark.errors import UntrustedFile
from ownmark.methods import Kind
from ownmark.ownership import verify
from ownmark.ownership.mine import is_mine, remember
from ownmark.ownership.telling import told
from ownmark.ownership.trust import require_no_code
from ownmark.runner.cell import Spec, canonical

Forge = Callable[[Callable[[dict[str, Any]], object]], Path]


@pytest.fixture
def forge(mark: Path, tmp_path: Path) -> Forge:
    """A copy of the mark whose `claim.json` was changed by a function."""

    def make(change: Callable[[dict[str, Any]], object]) -> Path:
        folder = Path(shutil.copytree(mark, tmp_path / "forged"))
        path = folder / "owner" / "claim.json"
        about = json.loads(path.read_text())
        change(about)
        path.write_text(json.dumps(about))
        return folder

    return make


def method(id: str, **params: Any) -> dict[str, Any]:
    return {"id": id, "label": id, "params": params}


# --- what a claim says ------------------------------------------------------------------------------------------------

READS: dict[str, Any] = {
    "a billion decoys": {"decoys": 10**9}, "no symbols": {"n": 0}, "symbols that are text": {"n": "3"},
    "a truth value": {"n": True}, "a rate that is none": {"rate": float("nan")}, "a rate of 1": {"rate": 1.0},
    "infinite chance": {"chance": float("inf")}, "negative images": {"queries": -5}, "huge": {"queries": 10**400},
    "no null models": {"chance": None, "null_hits": []}, "empty rows": {"null_hits": [[]]},
    "rows that differ": {"null_hits": [[1, 2], [1]]}, "more hits than symbols": {"null_hits": [[10**5]]},
    "hits that are text": {"null_hits": [["1"]]}, "own hits": {"own_hits": [10**5]}, "a list": {"extractor": []},
    "another access": {"access": "telepathy"}, "tests": {"tests": "none"}, "null": {"null_hits": None},
}  # fmt: skip


@pytest.mark.parametrize("change", READS.values(), ids=READS)
def test_a_claim_that_makes_no_sense_is_refused(forge: Forge, mark: Path, change: dict[str, Any]) -> None:
    folder = forge(lambda about: about["readers"]["default"].update(change))
    with pytest.raises(UntrustedFile, match=r"claim\.json"):
        verify(folder, mark / "released", device="cpu")


@pytest.mark.parametrize("field", ["scheme", "task", "key", "readers"])
@pytest.mark.parametrize("value", [..., None, [], {}, 5, "x"], ids=str)
def test_a_claim_that_lacks_something_is_refused(forge: Forge, mark: Path, field: str, value: Any) -> None:
    folder = forge(lambda about: about.pop(field) if value is ... else about.update({field: value}))
    if (field, value) == ("task", "x"):
        assert verify(folder, mark / "released", device="cpu")["claim"] is True
        return
    with pytest.raises(UntrustedFile):
        verify(folder, mark / "released", device="cpu")


@pytest.mark.parametrize(
    "field", ["n", "rate", "null_hits", "extractor", "access", "symbol", "born", "tests"]
)
def test_a_reader_that_lacks_something_is_refused(forge: Forge, mark: Path, field: str) -> None:
    folder = forge(lambda about: about["readers"]["default"].pop(field))
    with pytest.raises(UntrustedFile, match=r"claim\.json"):
        verify(folder, mark / "released", device="cpu")


@pytest.mark.parametrize("field", ["distribution", "version"])
@pytest.mark.parametrize("where", ["scheme", "reader"])
def test_an_origin_that_lacks_something_is_refused(forge: Forge, mark: Path, where: str, field: str) -> None:
    def change(about: dict[str, Any]) -> None:
        method = about["scheme"] if where == "scheme" else about["readers"]["default"]["extractor"]
        del method["origin"][field]

    with pytest.raises(UntrustedFile, match=r"claim\.json"):
        verify(forge(change), mark / "released", device="cpu")


CONTROLS: dict[str, Callable[[dict[str, torch.Tensor]], object]] = {
    "labels that there are not": lambda held: held["y"].fill_(10),
    "labels below zero": lambda held: held["y"].fill_(-1),
    "images of another size": lambda held: held.update(x=torch.zeros(len(held["y"]), 1, 9, 9)),
    "images of no size": lambda held: held.update(x=torch.zeros(len(held["y"]), 0)),
    "no numbers": lambda held: held["x"].fill_(float("nan")),
    "fewer labels": lambda held: held.update(y=held["y"][:-1].clone()),
    "fractions of labels": lambda held: held.update(y=held["y"].float()),
    "no labels": lambda held: held.pop("y"),
    "no images": lambda held: held.pop("x"),
    "one number": lambda held: held.update(x=torch.tensor(1.0), y=torch.tensor(1)),
}


@pytest.mark.parametrize("change", CONTROLS.values(), ids=CONTROLS)
def test_controls_that_are_no_images_of_the_task_are_refused(
    mark: Path, tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], object]
) -> None:
    folder = Path(shutil.copytree(mark, tmp_path / "forged"))
    path = folder / "owner" / "controls.safetensors"
    held = load_file(path)
    if not len(held["y"]):
        held = {"x": torch.zeros(4, 1, 8, 8), "y": torch.zeros(4, dtype=torch.int64)}
    change(held)
    save_file(held, path, {"ownmark": "controls"})
    with pytest.raises(UntrustedFile, match=r"controls"):
        verify(folder, mark / "released", device="cpu")


# --- what it shows ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["\x1b[2K\rCLAIM", "\x9b1A", "a\nCLAIM: ownership can be claimed", "x" * 9000]
)
def test_a_label_cannot_paint_over_the_verdict(forge: Forge, mark: Path, text: str) -> None:
    folder = forge(lambda about: about["scheme"].update(label=text))
    lines = list(told(verify(folder, mark / "released", device="cpu")))
    assert all(line.isprintable() and len(line) < 1500 for line in lines)
    assert sum(line.startswith("CLAIM") for line in lines) == 1


HOSTS = {
    "a hub": method("timm", name="hf-hub:evil/model"), "a folder": method("timm", name="local-dir:/etc"),
    "a file": method("timm", name="resnet18", arguments={"checkpoint_path": "/etc/passwd"}),
    "a backbone": method("transformers", config={"model_type": "vit", "backbone": "evil/model"}),
    "a configuration": method("transformers", config="/etc/passwd"),
}  # fmt: skip


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_a_library_is_not_sent_for_what_a_stranger_names(host: dict[str, Any]) -> None:
    found = Spec(host["id"], canonical(host["params"]), host["label"])
    with pytest.raises(UntrustedFile):  # or because the library is not here
        require_no_code(discover(), Kind.HOST, found, "the folder")


# --- what it names ----------------------------------------------------------------------------------------------------

PLACES = {
    "a file": method("npz", path="/etc/passwd"), "a folder": method("folder", path="/"),
    "sounds": method("wav-folder", path="/"), "the network": method("hub", name="evil/data"),
    "code": method("function", target="subprocess:getoutput", arguments={"cmd": "true"}),
}  # fmt: skip


READ = {name: place for name, place in PLACES.items() if name != "the network" or find_spec("datasets")}


@pytest.mark.parametrize("dataset", READ.values(), ids=READ)
def test_data_that_a_claim_names_are_not_read(
    forge: Forge, mark: Path, dataset: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Npz, "__init__", lambda *_: pytest.fail("it was made"))
    record = verify(forge(lambda about: about.update(dataset=dataset)), mark / "released", device="cpu")
    assert "--trust-mark" in record["no_decoys"]
    assert record["decoys"] is None


@pytest.mark.parametrize("trusted", [False, True])
def test_data_of_ones_own_mark_are_read(
    forge: Forge, mark: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    """Known as one's own by the note that `embed` leaves, or by the flag; here they are just not there."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = forge(lambda about: about.update(dataset=method("npz", path=str(tmp_path / "mine.npz"))))
    if not trusted:
        remember(folder)
        assert is_mine(folder)
    record = verify(folder, mark / "released", device="cpu", trust_mark=trusted)
    assert "mine.npz" in record["no_decoys"]
    assert "--trust-mark" not in record["no_decoys"]


def test_a_file_that_a_method_takes_by_default_is_not_the_strangers() -> None:
    from ownmark.config import configuration
    from ownmark.runner.beside import files_named

    @configuration
    class Config:
        path: Path = Path("ours.zip")
        more: tuple[Path, ...] = ()

    assert files_named(Config()) == files_named(None) == ()
    assert files_named(Config(path="/etc/passwd", more=("a", "b"))) == ("/etc/passwd", "a", "b")
