"""Files that people have of a network: the rows of the table in docs/suspects.md."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

Make = Callable[[nn.Module, Path], Path]


def state_of(net: nn.Module, prefix: str = "") -> dict[str, Tensor]:
    return {prefix + name: tensor.clone() for name, tensor in net.state_dict().items()}


def saved(value: Any, path: Path, **options: Any) -> Path:
    torch.save(value, path, **options)
    return path


def safe(state: dict[str, Tensor], path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    save_file(state, path)
    return path


def sharded(net: nn.Module, folder: Path) -> Path:
    state = state_of(net)
    parts = {
        "model-00001-of-00002.safetensors": list(state)[:5],
        "model-00002-of-00002.safetensors": list(state)[5:],
    }
    for name, names in parts.items():
        safe({one: state[one] for one in names}, folder / name)
    index = {"metadata": {}, "weight_map": {one: name for name, names in parts.items() for one in names}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def hugging_face(net: nn.Module, folder: Path) -> Path:
    safe(state_of(net), folder / "model.safetensors")
    (folder / "config.json").write_text(
        json.dumps({"model_type": "mine", "auto_map": {"AutoModel": "evil.Net"}})
    )
    return folder


def half(net: nn.Module, path: Path) -> Path:
    return safe({n: t.half() if t.is_floating_point() else t for n, t in state_of(net).items()}, path)


def exported(net: nn.Module, path: Path) -> Path:
    torch.export.save(torch.export.export(net, (torch.zeros(2, 1, 8, 8),)), path)
    return path


def scripted(net: nn.Module, path: Path) -> Path:
    torch.jit.save(torch.jit.script(net), str(path))
    return path


def onnx(net: nn.Module, path: Path, **options: Any) -> Path:
    pytest.importorskip("onnxruntime")
    torch.onnx.export(
        net, (torch.zeros(2, 1, 8, 8),), str(path), dynamo=False, input_names=["x"], output_names=["scores"],
        dynamic_axes={"x": {0: "n"}, "scores": {0: "n"}}, **options,
    )  # fmt: skip
    return path


def int8_onnx(net: nn.Module, path: Path) -> Path:
    quantization = pytest.importorskip("onnxruntime.quantization")
    whole = onnx(net, path.with_suffix(".float.onnx"))
    quantization.quantize_dynamic(str(whole), str(path))
    return path


def int8_state(net: nn.Module, path: Path) -> Path:
    """Weights as torch's quantised tensors, under the names of the network."""
    state = state_of(net)
    for name in ("conv1.weight", "conv2.weight", "head.weight"):
        scale = float(state[name].abs().max()) / 127
        state[name] = torch.quantize_per_tensor(state[name], scale, 0, torch.qint8)
    return saved(state, path)


def other_head(net: nn.Module, path: Path) -> Path:
    state = state_of(net)
    state["head.weight"], state["head.bias"] = (
        state["head.weight"][:4].clone(),
        state["head.bias"][:4].clone(),
    )
    return saved(state, path)


def backbone(net: nn.Module, path: Path) -> Path:
    return safe({f"backbone.{n}": t for n, t in state_of(net).items() if not n.startswith("head.")}, path)


def renamed(net: nn.Module, path: Path) -> Path:
    """Another network altogether."""
    other = nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.ReLU(), nn.Linear(20, 10))
    return saved(other.state_dict(), path)


def arrays(net: nn.Module, path: Path) -> Path:
    np.savez(path, **{name: tensor.numpy() for name, tensor in state_of(net).items()})
    return path


def empty(folder: Path) -> Path:
    folder.mkdir()
    (folder / "README.md").write_text("weights follow")
    return folder


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def lightning(net: nn.Module) -> dict[str, Any]:
    return {
        "state_dict": state_of(net, "model."),
        "epoch": 3,
        "pytorch-lightning_version": "2.6",
        "callbacks": {},
    }


FILES: dict[str, Make] = {
    "safetensors": lambda n, f: safe(state_of(n), f / "model.safetensors"),
    "safetensors, sharded, a folder with an index": lambda n, f: sharded(n, f / "sharded"),
    "safetensors in half precision": lambda n, f: half(n, f / "model.safetensors"),
    "a folder of Hugging Face": lambda n, f: hugging_face(n, f / "hf"),
    "state dict, `.pt`": lambda n, f: saved(state_of(n), f / "model.pt"),
    "state dict, `.pth` of an old torch": lambda n, f: saved(
        state_of(n), f / "model.pth", _use_new_zipfile_serialization=False
    ),
    "state dict, `pytorch_model.bin`": lambda n, f: saved(state_of(n), f / "pytorch_model.bin"),
    "checkpoint of Lightning, `.ckpt`": lambda n, f: saved(lightning(n), f / "last.ckpt"),
    "under `model`, beside an optimiser": lambda n, f: saved(
        {"model": state_of(n), "optimizer": {"state": {}, "param_groups": []}}, f / "model.pt"
    ),
    "under `ema`": lambda n, f: saved({"ema": state_of(n), "step": 7}, f / "model.pt"),
    "of DataParallel, `module.`": lambda n, f: saved(state_of(n, "module."), f / "model.pt"),
    "of torch.compile, `_orig_mod.`": lambda n, f: saved(state_of(n, "_orig_mod."), f / "model.pt"),
    "int8 tensors in a state dict": lambda n, f: int8_state(n, f / "model.pt"),
    "torch.export, `.pt2`": lambda n, f: exported(n, f / "model.pt2"),
    "TorchScript": lambda n, f: scripted(n, f / "model.ts"),
    "ONNX as torch exports it, batch norm folded": lambda n, f: onnx(n, f / "model.onnx"),
    "ONNX with the names kept": lambda n, f: onnx(
        n, f / "model.onnx", training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False
    ),
    "ONNX in int8": lambda n, f: int8_onnx(n, f / "model.onnx"),
    "with a head for 4 classes": lambda n, f: other_head(n, f / "model.pt"),
    "without its head, under `backbone.`": lambda n, f: backbone(n, f / "model.safetensors"),
    "of another network": lambda n, f: renamed(n, f / "model.pt"),
    "a whole module, pickled": lambda n, f: saved(copy.deepcopy(n), f / "model.pt"),
    "`.npz`": lambda n, f: arrays(n, f / "model.npz"),
    "an `.h5` of Keras": lambda n, f: written(f / "model.h5", b"\x89HDF\r\n\x1a\n" + bytes(99)),
    "a folder without weights": lambda n, f: empty(f / "empty"),
    "nothing": lambda n, f: f / "absent.pt",
}
