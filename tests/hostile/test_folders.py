"""Folders from elsewhere: whatever their `model.json` names, nothing of it is imported, opened or run."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from ownmark.cli import main
from ownmark.discovery import discover
from ownmark.errors import NotApplicable, OwnmarkError, UntrustedFile
from ownmark.methods import Declaration, Kind
from ownmark.ownership import attack, verify


def method(id: str, **params: Any) -> dict[str, Any]:
    return {"id": id, "label": id, "params": params}


@pytest.fixture
def harm(tmp_path: Path) -> Path:
    """A file that appears if code of the stranger's ran."""
    return tmp_path / "harm"


CODE = {
    "a command": lambda harm: {"target": "subprocess:getoutput", "arguments": {"cmd": f"touch {harm}"}},
    "a system call": lambda harm: {"target": "os:mkdir", "arguments": {"path": str(harm)}},
    "an import": lambda harm: {"target": "planted:network"},
    "a call of ours": lambda harm: {
        "target": "ownmark.runner.store:write_text", "arguments": {"path": str(harm), "text": ""},
    },
}  # fmt: skip


@pytest.mark.parametrize("names", CODE.values(), ids=CODE)
def test_a_host_that_is_code_is_refused(
    mark: Path, suspect: Any, names: Any, harm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "planted.py").write_text(f"open({str(harm)!r}, 'w')")
    folder = suspect(host=method("module", **names(harm)))
    commands = [
        ["verify", str(mark), str(folder), "--device", "cpu"],
        ["attack", str(folder), "prune", "--into", str(tmp_path / "into"), "--device", "cpu"],
    ]
    for command in commands:
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 2, done.output
        assert "--trust" in done.output
        assert "would run code" in done.output
    assert not harm.exists()
    assert "planted" not in sys.modules
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize(
    "says",
    [
        {"host": method("acme-marks/trap")},
        {"layers": method("acme-marks/trap")},
        {"steps": [{"attack": method("acme-marks/trap"), "seed": 0}]},
    ],
    ids=["host", "scheme", "attack"],
)
def test_a_distribution_that_the_owner_does_not_use_is_not_loaded(
    mark: Path, suspect: Any, says: Any, harm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "acme_trap.py").write_text(f"open({str(harm)!r}, 'w')")
    catalog = discover()
    traps = tuple(
        Declaration(
            id="trap", kind=kind, target="acme_trap:Trap", config="acme_trap:Config", summary="a trap",
            extractor="trap", distribution="acme-marks",
        )
        for kind in (Kind.HOST, Kind.SCHEME, Kind.ATTACK)
    )  # fmt: skip
    with pytest.raises(UntrustedFile, match=r"acme-marks.*--trust"):
        verify(mark, suspect(**says), device="cpu", catalog=replace(catalog, methods=catalog.methods + traps))
    assert not harm.exists()


@pytest.mark.parametrize(
    "dataset",
    [method("npz", path="/etc/passwd"), method("hub", name="evil/data"), method("digits"), method("mnist")],
    ids=["a file", "the network", "harmless", "standard"],
)
def test_no_dataset_is_loaded_for_a_stranger(suspect: Any, dataset: Any, tmp_path: Path) -> None:
    folder = suspect(dataset=dataset)
    tune = "finetune: {recipe: {epochs: 1}}"
    with pytest.raises(UntrustedFile, match=r"does not choose which are loaded.*--images.*--trust"):
        attack(folder, tune, tmp_path / "into", device="cpu")
    assert attack(folder, tune, tmp_path / "into", images="digits", device="cpu").folder.exists()


def test_what_a_stranger_declares_without_code_is_followed(mark: Path, suspect: Any, tmp_path: Path) -> None:
    step = {"attack": method("gaussian_blur", sigma=1.0), "seed": 0}
    assert verify(mark, suspect(steps=[step]), device="cpu")["claim"] is True
    pruned = attack(mark / "released", "prune: {sparsity: 0.1}", tmp_path / "pruned", device="cpu").folder
    assert verify(mark, pruned, device="cpu")["claim"] is True


@pytest.mark.parametrize(
    "says",
    [
        {"shape": [1, 10**6, 10**6]}, {"classes": 10**9}, {"host": method("resnet", width=4)},
        {"shape": "abc"}, {"classes": "9" * 5000}, {"steps": 5}, {"steps": [{"attack": [], "seed": 0}]},
        {"host": method("convnet", width="wide")}, {"host": method("\x1b[2Jconvnett")}, {"split": {"seed": []}},
        {"host": {"id": "convnet", "label": "x", "params": [1]}}, {"layers": method("uchida", bits=-1)},
    ],
    ids=lambda says: str(next(iter(says.items())))[:40],
)  # fmt: skip
def test_other_nonsense_is_a_sentence(mark: Path, suspect: Any, says: Any) -> None:
    done = CliRunner().invoke(main, ["verify", str(mark), str(suspect(**says)), "--device", "cpu"])
    assert done.exit_code in (1, 2), (done.output, done.exception)
    assert isinstance(done.exception, SystemExit), "a traceback"
    assert "CLAIM: ownership" not in done.output
    assert "\x1b" not in done.output
    assert len(done.output) < 5000


# --- marks ----------------------------------------------------------------------------------------------------------


def test_a_mark_of_ones_own_code_says_how_to_use_it(own_code: Path, tmp_path: Path) -> None:
    released = own_code / "released"
    with pytest.raises(UntrustedFile, match="--trust-mark"):
        verify(own_code, released, device="cpu")
    assert verify(own_code, released, trust_mark=True, device="cpu")["claim"] is True
    assert verify(own_code, released, trust=True, device="cpu")["claim"] is True
    with pytest.raises(UntrustedFile, match="--trust"):
        attack(released, "prune", tmp_path / "into", device="cpu")
    assert attack(released, "prune", tmp_path / "into", trust=True, device="cpu").folder.exists()


def test_trusting_the_mark_is_not_trusting_the_suspect(
    own_code: Path, mark: Path, tmp_path: Path, harm: Path
) -> None:
    folder = Path(shutil.copytree(own_code / "released", tmp_path / "suspect"))
    about = json.loads((folder / "model.json").read_text())
    about["host"]["params"] |= CODE["a command"](harm)
    (folder / "model.json").write_text(json.dumps(about))
    with pytest.raises(UntrustedFile, match="would run code"):
        verify(own_code, folder, trust_mark=True, device="cpu")
    assert not harm.exists()


@pytest.mark.parametrize("target", ["subprocess:getoutput", "os:system", "posix:mkdir"])
def test_a_forged_mark_runs_nothing(mark: Path, tmp_path: Path, harm: Path, target: str) -> None:
    forged = Path(shutil.copytree(mark, tmp_path / "forged"))
    about = json.loads((forged / "released/model.json").read_text())
    about["host"] = method("module", target=target, arguments={"path": str(harm)})
    (forged / "released/model.json").write_text(json.dumps(about))
    for asked in (mark / "released", mark / "released/model.safetensors", lambda x: [0] * len(x)):
        with pytest.raises(UntrustedFile, match="--trust-mark"):
            verify(forged, asked, device="cpu")
    assert not harm.exists()


# --- links and other things in place of files -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
@pytest.mark.parametrize("kind", ["link out", "pipe", "folder", "dangling", "device"])
def test_what_is_no_file_of_the_folder_is_not_opened(
    mark: Path, suspect: Any, tmp_path: Path, name: str, kind: str
) -> None:
    folder = suspect()
    (folder / name).unlink()
    if kind == "link out":
        (folder / name).symlink_to(mark / "released" / name)
    elif kind == "pipe":
        os.mkfifo(folder / name)
    elif kind == "folder":
        (folder / name).mkdir()
    elif kind == "dangling":
        (folder / name).symlink_to("../../nothing")
    else:
        (folder / name).symlink_to("/dev/zero")
    for act in (
        lambda: verify(mark, folder, device="cpu"),
        lambda: attack(folder, "prune", tmp_path / "into", device="cpu"),
    ):
        with pytest.raises(UntrustedFile, match=name):
            act()


def test_a_link_inside_the_folder_is_fine(mark: Path, suspect: Any) -> None:
    folder = suspect()
    (folder / "model.safetensors").rename(folder / "weights")
    (folder / "model.safetensors").symlink_to("weights")
    assert verify(mark, folder, device="cpu")["claim"] is True


@pytest.mark.parametrize(
    "text", ["[" * 10**5, "{", "9" * 10**5, "\x00", '{"format": "ownmark model 1"}', " " * 2**25]
)
def test_json_that_is_none_is_refused(mark: Path, suspect: Any, text: str) -> None:
    folder = suspect()
    (folder / "model.json").write_text(text)
    with pytest.raises((UntrustedFile, NotApplicable), match=r"model\.json"):
        verify(mark, folder, device="cpu")


def test_an_address_of_another_kind_is_no_path(mark: Path) -> None:
    for address in ("ftp://me:secret@host/x", "file:///etc/passwd?token=secret", "HTTPS+x://a:secret@b"):
        with pytest.raises(OwnmarkError, match="no address of a service") as caught:
            verify(mark, address, device="cpu")
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
@pytest.mark.parametrize("length", [1, 2])
def test_links_that_lead_in_a_circle_are_refused(suspect: Any, mark: Path, name: str, length: int) -> None:
    folder = suspect()
    (folder / name).unlink()
    (folder / name).symlink_to("other" if length == 2 else name)
    (folder / "other").symlink_to(name)
    with pytest.raises(UntrustedFile, match=name):
        verify(mark, folder, device="cpu")


# --- folders as other tools leave them ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "about",
    [
        {"auto_map": {"AutoModel": "modeling.Evil"}},
        {"auto_map": {"AutoModel": "evil/repo--modeling.Evil"}, "trust_remote_code": True},
        {"architectures": ["Evil"], "_name_or_path": "http://evil/x", "model_type": "modeling"},
        {"quantization_config": {"modules": "modeling"}, "adapter": "modeling.py"},
    ],
    ids=lambda about: next(iter(about)),
)
def test_code_beside_weights_is_not_looked_at(
    suspect: Any, mark: Path, harm: Path, about: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = suspect()
    (folder / "model.json").unlink()
    for name in ("config.json", "adapter_config.json", "tokenizer_config.json", "model_index.json"):
        (folder / name).write_text(json.dumps(about))
    for name in ("modeling.py", "conftest.py", "sitecustomize.py", "torch.py", "setup.py", "__init__.py"):
        (folder / name).write_text(f"open({str(harm)!r}, 'w')\n")
    monkeypatch.chdir(folder)
    assert verify(mark, folder, device="cpu")["claim"] is True
    assert not harm.exists()


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "/etc/passwd",
        "../mark/x",
        "a/b",
        "a\0b",
        "x" * 5000,
        "\ud800",
        7,
        None,
        ["x"],
        "circle",
    ],
)
def test_an_index_names_files_of_its_folder(suspect: Any, mark: Path, name: Any) -> None:
    folder = suspect()
    (folder / "model.json").unlink()
    (folder / "model.safetensors").rename(folder / "part.safetensors")
    (folder / "circle").symlink_to("circle")
    index = {"weight_map": {"a": "part.safetensors", "b": name}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    for asked in (folder, folder / "model.safetensors.index.json"):
        with pytest.raises(UntrustedFile):
            verify(mark, asked, device="cpu")


def test_an_index_without_end_is_refused(suspect: Any, mark: Path) -> None:
    folder = suspect()
    (folder / "model.json").unlink()
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {f"w{i}": f"{i}.pt" for i in range(1001)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(UntrustedFile, match="at most 1,000"):
        verify(mark, folder, device="cpu")


def test_pickles_of_an_index_share_one_time_limit(
    suspect: Any, mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ownmark.checkpoints import read

    folder = suspect()
    (folder / "model.json").unlink()
    (folder / "model.safetensors").unlink()
    for number in range(50):
        (folder / f"{number}.pt").write_bytes(b"\x80\x02}q\x00.")
    index = {"weight_map": {f"w{i}": f"{i}.pt" for i in range(50)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    opened: list[Path] = []
    monkeypatch.setattr(read, "SECONDS", 0.0)
    monkeypatch.setattr(read, "unpacked", lambda path, kind: opened.append(path) or {"a": torch.zeros(1)})
    with pytest.raises(UntrustedFile, match="took more than 0 s"):
        verify(mark, folder, device="cpu")
    assert len(opened) < 2


@pytest.mark.parametrize(
    "steps", [[{"attack": method("prune"), "seed": 0}] * 101, [{}] * 10**5, ["x"] * 1000]
)
def test_a_network_that_went_through_everything_is_refused(
    suspect: Any, mark: Path, steps: list[Any]
) -> None:
    with pytest.raises(UntrustedFile, match="more than 100 attacks"):
        verify(mark, suspect(steps=steps), device="cpu")
