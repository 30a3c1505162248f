"""Every kind of file that people save weights in; and files that want more than to be read."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from ownmark.checkpoints import digest_of, limited, read_weights
from ownmark.errors import UntrustedFile


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.fc = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Linear(144, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(torch.relu(self.norm(self.conv(x))).flatten(1))


@pytest.fixture(scope="module")
def net() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Net().eval()


def sharded(net: nn.Module, folder: Path) -> Path:
    folder.mkdir()
    state = net.state_dict()
    parts = {"model-1.safetensors": list(state)[:3], "model-2.safetensors": list(state)[3:]}
    for name, names in parts.items():
        save_file({one: state[one] for one in names}, folder / name)
    index = {"weight_map": {one: name for name, names in parts.items() for one in names}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def saved(path: Path, value: Any, **options: Any) -> Path:
    torch.save(value, path, **options)
    return path


def tensors(path: Path, net: nn.Module) -> Path:
    save_file(net.state_dict(), path)
    return path


def exported(path: Path, net: nn.Module) -> Path:
    torch.export.save(torch.export.export(net, (torch.zeros(2, 1, 8, 8),)), path)
    return path


def scripted(path: Path, net: nn.Module) -> Path:
    torch.jit.save(torch.jit.script(net), str(path))
    return path


def onnx_file(path: Path, net: nn.Module) -> Path:
    onnx = pytest.importorskip("onnx")
    kept = [onnx.numpy_helper.from_array(t.numpy(), name) for name, t in net.state_dict().items()]
    graph = onnx.helper.make_graph([], "net", [], [], kept)
    onnx.save(onnx.helper.make_model(graph), str(path))
    return path


FORMATS: dict[str, Callable[[Path, nn.Module], Path]] = {
    "safetensors": lambda f, n: tensors(f / "m.safetensors", n),
    "safetensors under another name": lambda f, n: tensors(f / "weights.dat", n),
    "sharded folder": lambda f, n: sharded(n, f / "hf"),
    "sharded index": lambda f, n: sharded(n, f / "hf") / "model.safetensors.index.json",
    "state dict .pt": lambda f, n: saved(f / "m.pt", n.state_dict()),
    "state dict .bin": lambda f, n: saved(f / "pytorch_model.bin", n.state_dict()),
    "old format .pth": lambda f, n: saved(f / "m.pth", n.state_dict(), _use_new_zipfile_serialization=False),
    "checkpoint .ckpt": lambda f, n: saved(f / "m.ckpt", {"state_dict": n.state_dict(), "epoch": 3}),
    "under model": lambda f, n: saved(f / "m.pt", {"model": n.state_dict(), "optimizer": {"state": {}}}),
    "under ema": lambda f, n: saved(f / "m.pt", {"ema": {"state_dict": n.state_dict()}, "step": 1}),
    "in a folder": lambda f, n: saved(f / "pytorch_model.bin", n.state_dict()).parent,
    "TorchScript": lambda f, n: scripted(f / "m.ts", n),
    "torch.export": lambda f, n: exported(f / "m.pt2", n),
    "ONNX": lambda f, n: onnx_file(f / "m.onnx", n),
}


QUICK = {"safetensors", "safetensors under another name", "sharded folder", "sharded index"}
CORE = QUICK | {"checkpoint .ckpt", "under ema", "TorchScript", "torch.export", "ONNX"}


def cases(names: Any, core: set[str]) -> list[Any]:
    """All of them; those that start a reader once more for a kind that another case reads are slow."""
    return [name if name in core else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.mark.parametrize("kind", cases(FORMATS, CORE))
def test_the_same_weights_come_out_of_every_file(kind: str, net: nn.Module, tmp_path: Path) -> None:
    path = FORMATS[kind](tmp_path, net)
    found = read_weights(path)
    wanted = {n: t for n, t in net.state_dict().items() if n in found.tensors or not n.endswith("tracked")}
    assert set(wanted) <= set(found.tensors)
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in wanted.items())
    assert len(digest_of(path)) == 64
    assert found.taken == {"checkpoint .ckpt": "state_dict", "under model": "model",
                           "under ema": "ema.state_dict"}.get(kind, "")  # fmt: skip


@pytest.mark.parametrize(
    "dtype",
    [torch.bfloat16, *(pytest.param(t, marks=pytest.mark.slow) for t in (torch.float16, torch.float64))],
)
def test_other_precisions_come_as_float32(dtype: torch.dtype, net: nn.Module, tmp_path: Path) -> None:
    state = {name: t.to(dtype) if t.is_floating_point() else t for name, t in net.state_dict().items()}
    found = read_weights(saved(tmp_path / "m.pt", state)).tensors
    assert found["fc.weight"].dtype == torch.float32
    assert torch.allclose(found["fc.weight"], net.state_dict()["fc.weight"], atol=1e-2)


# --- files that want more than to be read ----------------------------------------------------------------------------


class Evil:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


def evil_script(path: Path, mark: Path, net: nn.Module) -> Path:
    """A TorchScript archive whose pickle was exchanged."""
    honest = scripted(path.with_suffix(".honest"), net)
    with zipfile.ZipFile(honest) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, pickle.dumps(Evil(mark)) if name.endswith("/data.pkl") else content)
    return path


def evil_export(path: Path, mark: Path, net: nn.Module) -> Path:
    """A torch.export archive with pickles for its examples and a weight."""
    honest = exported(path.with_suffix(".honest"), net)
    with zipfile.ZipFile(honest) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("weights_config.json"):
                content = content.replace(b'"use_pickle": false', b'"use_pickle": true')
            evil = name.endswith(("model.pt", "weight_0"))
            target.writestr(name, pickle.dumps(Evil(mark)) if evil else content)
    return path


MALICE: dict[str, Callable[[Path, Path, nn.Module], Path]] = {
    **{
        f"torch.save {suffix}": lambda f, mark, n, s=suffix: saved(f / f"m{s}", {"state_dict": Evil(mark)})
        for suffix in (".pt", ".pth", ".ckpt", ".bin")
    },
    "old format": lambda f, m, n: saved(f / "m.pt", Evil(m), _use_new_zipfile_serialization=False),
    "bare pickle": lambda f, m, n: bare(f / "m.pt", m),
    "pickle named safetensors": lambda f, m, n: bare(f / "m.safetensors", m),
    "pickle named onnx": lambda f, m, n: bare(f / "m.onnx", m),
    "TorchScript": lambda f, m, n: evil_script(f / "m.ts", m, n),
    "torch.export": lambda f, m, n: evil_export(f / "m.pt2", m, n),
    "shard": lambda f, m, n: evil_shard(f / "hf", m),
}


def bare(path: Path, mark: Path) -> Path:
    path.write_bytes(pickle.dumps(Evil(mark)))
    return path


def evil_shard(folder: Path, mark: Path) -> Path:
    folder.mkdir()
    saved(folder / "part.bin", Evil(mark))
    (folder / "pytorch_model.bin.index.json").write_text(
        json.dumps({"weight_map": {"fc.weight": "part.bin"}})
    )
    return folder


HOSTILE = {
    "torch.save .ckpt",
    "old format",
    "pickle named safetensors",
    "TorchScript",
    "torch.export",
    "shard",
}


@pytest.mark.parametrize("kind", cases(MALICE, HOSTILE))
def test_nothing_in_a_file_is_run(kind: str, net: nn.Module, tmp_path: Path) -> None:
    mark = tmp_path / "was here"
    path = MALICE[kind](tmp_path, mark, net)
    with pytest.raises(UntrustedFile) as refused:
        read_weights(path)
    assert not mark.exists()
    assert "\n" not in str(refused.value)


def whole(path: Path, net: nn.Module) -> Path:
    torch.save(net, path)
    return path


def test_a_whole_module_is_refused_with_what_to_do(net: nn.Module, tmp_path: Path) -> None:
    with pytest.raises(UntrustedFile, match="state_dict"):
        read_weights(whole(tmp_path / "m.pt", net))


def test_an_index_leads_nowhere_else(net: nn.Module, tmp_path: Path) -> None:
    tensors(tmp_path / "outside.safetensors", net)
    folder = tmp_path / "hf"
    folder.mkdir()
    for name in ("../outside.safetensors", str(tmp_path / "outside.safetensors"), "absent.safetensors"):
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"fc.weight": name}}))
        with pytest.raises(UntrustedFile, match="no file in it"):
            read_weights(folder)


def test_an_index_that_promises_more_than_its_files_hold_is_refused(net: nn.Module, tmp_path: Path) -> None:
    index = sharded(net, tmp_path / "hf") / "model.safetensors.index.json"
    placed = dict.fromkeys(net.state_dict(), "model-1.safetensors")
    index.write_text(json.dumps({"weight_map": placed}))
    with pytest.raises(UntrustedFile, match=r"in none of its files: .*fc\.weight"):
        read_weights(index)


def test_a_file_without_tensors_by_name_is_refused(tmp_path: Path) -> None:
    save_file({}, tmp_path / "m.safetensors")
    with pytest.raises(UntrustedFile, match="holds no tensors"):
        read_weights(tmp_path / "m.safetensors")
    with pytest.raises(UntrustedFile, match="no tensors with names"):
        read_weights(saved(tmp_path / "m.pt", torch.zeros(3)))


def test_entries_that_may_be_the_network_too_are_told(net: nn.Module, tmp_path: Path) -> None:
    state = {"state_dict": net.state_dict()}
    found = read_weights(saved(tmp_path / "m.pt", {"ema": state, "model": state, "optimizer": {"state": {}}}))
    assert (found.taken, found.left) == ("model.state_dict", ("ema",))


def bomb(path: Path) -> Path:
    """A checkpoint of a few kB that stands for 16 GB: one stored number, stretched."""
    torch.save({"w": torch.zeros(1).expand(2**31, 2)}, path)
    return path


def deflated(path: Path) -> Path:
    """A checkpoint whose storage of 4 GB is packed to a few MB."""
    honest = saved(path.with_suffix(".honest"), {"w": torch.zeros(4)})
    with zipfile.ZipFile(honest) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            if name.endswith("data/0"):
                with target.open(name, "w", force_zip64=True) as stream:
                    for _ in range(40):
                        stream.write(np.zeros(2**26, np.uint8).tobytes())
            else:
                target.writestr(name, source.read(name))
    return path


def deep(path: Path) -> Path:
    value: dict[str, Any] = {"w": torch.zeros(1)}
    for _ in range(200):
        value = {"a": value}
    torch.save(value, path)
    return path


@pytest.mark.parametrize("make", [bomb, deflated, deep])
def test_a_bomb_ends_at_the_limit(make: Callable[[Path], Path], tmp_path: Path) -> None:
    path = make(tmp_path / "m.pt")
    with pytest.raises(UntrustedFile):
        read_weights(path)


def test_a_reader_that_takes_too_long_is_given_up(net: nn.Module, tmp_path: Path) -> None:
    path = saved(tmp_path / "m.pt", net.state_dict())
    with pytest.raises(UntrustedFile, match="given up"):
        limited.unpacked(path, "pickle", seconds=0.05)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x80", b"PK\x03\x04", b"GIF89a", b"{}" * 20],
    ids=["empty", "byte", "zip", "gif", "json"],
)
def test_what_is_no_weights_file_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    path.write_bytes(content)
    with pytest.raises(UntrustedFile) as refused:
        read_weights(path)
    assert "\n" not in str(refused.value)
