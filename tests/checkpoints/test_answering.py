"""ONNX files are asked in a process of their own, whatever is in them; and files of the hub are fetched, not run."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ownmark.checkpoints import OnnxAnswers, read_weights
from ownmark.checkpoints.hub import fetched
from ownmark.contracts.partial import alone, matched, partly_loaded, rivals
from ownmark.errors import OwnmarkError, UntrustedFile

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
FLOAT, INT64 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64


def model(
    path: Path, nodes: list[Any], inputs: list[Any] | None = None, kept: list[Any] | None = None
) -> Path:
    x = onnx.helper.make_tensor_value_info("x", FLOAT, ["n", 1, 2, 2])
    y = onnx.helper.make_tensor_value_info("y", FLOAT, None)
    graph = onnx.helper.make_graph(nodes, "net", inputs or [x], [y], kept or [])
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, str(path))
    return path


def node(kind: str, *inputs: str, **attributes: Any) -> Any:
    return onnx.helper.make_node(kind, list(inputs), ["y"], **attributes)


def numbers(name: str, *values: int) -> Any:
    return onnx.helper.make_tensor(name, INT64, [len(values)], values)


def test_a_file_answers_batch_by_batch(tmp_path: Path) -> None:
    asked = OnnxAnswers(model(tmp_path / "m.onnx", [node("Flatten", "x")]))
    for count in (1, 3, 300):
        x = torch.rand(count, 1, 2, 2)
        assert torch.equal(asked(x), x.flatten(1))
    process = asked._running
    assert process is not None
    del asked
    assert process.poll() is not None


def test_a_file_of_fixed_batches_is_asked_in_its_batches(tmp_path: Path) -> None:
    x = onnx.helper.make_tensor_value_info("x", FLOAT, [4, 1, 2, 2])
    asked = OnnxAnswers(model(tmp_path / "m.onnx", [node("Flatten", "x")], [x]))
    images = torch.rand(6, 1, 2, 2)
    assert torch.equal(asked(images), images.flatten(1))


def bomb(path: Path) -> Path:
    """A hundred bytes that stand for 64 GB."""
    return model(path, [node("ConstantOfShape", "size")], kept=[numbers("size", 2**17, 2**17)])


def two_inputs(path: Path) -> Path:
    x = [onnx.helper.make_tensor_value_info(name, FLOAT, ["n", 1, 2, 2]) for name in "xz"]
    return model(path, [node("Add", "x", "z")], x)


def labels_wanted(path: Path) -> Path:
    return model(
        path, [node("Cast", "x", to=FLOAT)], [onnx.helper.make_tensor_value_info("x", INT64, ["n", 1, 2, 2])]
    )


def another_size(path: Path) -> Path:
    x = onnx.helper.make_tensor_value_info("x", FLOAT, ["n", 3, 8, 8])
    return model(path, [node("Flatten", "x")], [x])


def own_operator(path: Path) -> Path:
    return model(path, [node("Evil", "x", domain="com.evil")])


def garbage(path: Path) -> Path:
    path.write_bytes(b"\x08" * 99)
    return path


@pytest.mark.parametrize("make", [bomb, two_inputs, labels_wanted, another_size, own_operator, garbage])
def test_what_does_not_answer_images_is_one_sentence(make: Any, tmp_path: Path) -> None:
    with pytest.raises(UntrustedFile) as refused:
        OnnxAnswers(make(tmp_path / "m.onnx"))(torch.rand(1, 1, 2, 2))
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 600


def test_a_file_that_never_answers_is_given_up(tmp_path: Path) -> None:
    body = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Identity", ["go"], ["go_on"]),
            onnx.helper.make_node("Sin", ["v"], ["w"]),
        ],
        "body",
        [
            onnx.helper.make_tensor_value_info("i", INT64, []),
            onnx.helper.make_tensor_value_info("go", onnx.TensorProto.BOOL, []),
            onnx.helper.make_tensor_value_info("v", FLOAT, None),
        ],
        [
            onnx.helper.make_tensor_value_info("go_on", onnx.TensorProto.BOOL, []),
            onnx.helper.make_tensor_value_info("w", FLOAT, None),
        ],
    )
    true = onnx.helper.make_tensor("true", onnx.TensorProto.BOOL, [], [True])
    endless = onnx.helper.make_node("Loop", ["", "true", "x"], ["y"], body=body)
    asked = OnnxAnswers(model(tmp_path / "m.onnx", [endless], kept=[true]), seconds=6.0)
    with pytest.raises(UntrustedFile, match="given up"):
        asked(torch.rand(1, 1, 2, 2))
    assert asked._running is None


# --- what a file has of a network ------------------------------------------------------------------------------------


def small() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(1, 3, 3), nn.Conv2d(3, 5, 3), nn.Flatten(), nn.Linear(20, 4))


STATE = dict(small().state_dict())
FORMS = {
    "as it is": STATE,
    "behind a prefix": {f"backbone.net.{n}": t for n, t in STATE.items()},
    "without a prefix": {n.removeprefix("1."): t for n, t in STATE.items() if n.startswith("1.")},
    "renamed": {f"onnx::Conv_{i}": t for i, t in enumerate(STATE.values())},
    "transposed": {f"MatMul_{i}": t.t() if t.ndim == 2 else t for i, t in enumerate(STATE.values())},
}


@pytest.mark.parametrize("form", FORMS)
def test_the_layer_is_found_under_other_names(form: str) -> None:
    found = matched(STATE, FORMS[form])
    assert torch.equal(found["1.weight"], STATE["1.weight"])


TURNED = {name: -tensor for name, tensor in STATE.items()}


def test_names_that_fit_as_they_are_come_before_those_behind_a_prefix() -> None:
    state = {**STATE, **{f"ema.{n}": t for n, t in TURNED.items()}, "ema.decay": torch.ones(1)}
    assert alone(STATE, state) == STATE
    assert rivals(STATE, state) == []
    layer = {**STATE, "ema.1.weight": torch.ones(5, 3, 3, 3)}
    assert alone(STATE, layer) == layer


def test_two_networks_behind_prefixes_are_rivals_unless_they_are_the_same() -> None:
    student = {f"student.{n}": t for n, t in STATE.items()}
    assert rivals(STATE, {**student, **{f"teacher.{n}": t for n, t in TURNED.items()}}) == [
        "student.",
        "teacher.",
    ]
    assert rivals(STATE, {**student, **{f"teacher.{n}": t for n, t in STATE.items()}}) == []
    assert rivals(STATE, {**student, "teacher.1.weight": -STATE["1.weight"]}) == []
    assert rivals(STATE, {"a.1.weight": STATE["1.weight"], "b.1.weight": -STATE["1.weight"]}) == []


def test_what_is_missing_is_no_number_and_nothing_is_nothing() -> None:
    part = partly_loaded(small(), {"1.weight": torch.ones(5, 3, 3, 3)})
    assert part is not None
    assert bool((part.get_parameter("1.weight") == 1).all())
    assert bool(part.get_parameter("3.weight").isnan().all())
    for state in ({}, {"other": torch.ones(7, 7)}, {"1.bias": torch.ones(5)}):
        assert partly_loaded(small(), state) is None


# --- the hub ---------------------------------------------------------------------------------------------------------

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Path]]:
    """A server that speaks the hub's protocol for the repositories in a dictionary, name -> folder."""
    pytest.importorskip("huggingface_hub")
    repositories: dict[str, Path] = {}

    class Handler(BaseHTTPRequestHandler):
        def answer(self, status: int, content: bytes = b"", **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def do_GET(self) -> None:
            parts = self.path.split("?")[0].strip("/").split("/")
            name = "/".join(parts[2:4] if parts[0] == "api" else parts[:2])
            if name not in repositories:
                self.answer(404, b"{}", X_Error_Code="RepoNotFound")
                return
            files = sorted(path.name for path in repositories[name].iterdir())
            if parts[0] == "api":
                about = {"id": name, "sha": COMMIT, "siblings": [{"rfilename": one} for one in files]}
                self.answer(200, json.dumps(about).encode(), Content_Type="application/json")
                return
            content = (repositories[name] / parts[-1]).read_bytes()
            tag = f'"{hashlib.sha256(content).hexdigest()}"'
            self.answer(200, content, ETag=tag, X_Repo_Commit=COMMIT)

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield repositories
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("address", ["hf://me/net", "hf://me/net@main"])
def test_a_weights_file_of_the_hub_is_fetched(address: str, hub: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "net"
    folder.mkdir()
    save_file(STATE, folder / "model.safetensors")
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    hub["me/net"] = folder
    path, name = fetched(address)
    assert name == f"hf://me/net@{COMMIT}"
    assert torch.equal(read_weights(path).tensors["1.weight"], STATE["1.weight"])
    assert os.listdir(path.parent).count("evil.py") == 0
    assert not (tmp_path / "ran").exists()


def test_all_parts_of_a_sharded_file_are_fetched(hub: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "net"
    folder.mkdir()
    names = list(STATE)
    parts = {"a.safetensors": names[:2], "b.safetensors": names[2:]}
    for part, held in parts.items():
        save_file({one: STATE[one] for one in held}, folder / part)
    index = {"weight_map": {one: part for part, held in parts.items() for one in held}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    hub["me/net"] = folder
    assert set(read_weights(fetched("hf://me/net")[0]).tensors) == set(STATE)


@pytest.mark.parametrize(
    "address", ["hf://me/absent", "hf://me", "hf://me/empty", "hf://me/net/../x", "hf:///etc/passwd"]
)
def test_what_the_hub_does_not_have_is_one_sentence(
    address: str, hub: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "README.md").write_text("nothing yet")
    hub["me/empty"] = tmp_path / "empty"
    with pytest.raises(OwnmarkError) as refused:
        fetched(address)
    assert "\n" not in str(refused.value)
