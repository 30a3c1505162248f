"""Services of several makes: a server for each, written from its protocol's description, behind a real socket."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.posting import posting
from torch import Tensor, nn

from ownmark.contracts import outputs
from ownmark.errors import UnusableAnswer
from ownmark.ownership import Service, verify
from ownmark.ownership.protocols import png, unwrapped

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def picture(content: bytes) -> Tensor:
    """Pixels [1, C, H, W] of a PNG without filters."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height, depth, kind = struct.unpack(">IIBB", content[16:26])
    assert depth == 8
    channels, at, packed = {0: 1, 2: 3}[kind], 8, b""
    while at < len(content):
        length = struct.unpack(">I", content[at : at + 4])[0]
        if content[at + 4 : at + 8] == b"IDAT":
            packed += content[at + 8 : at + 8 + length]
        at += 12 + length
    rows = torch.frombuffer(bytearray(zlib.decompress(packed)), dtype=torch.uint8)
    rows = rows.reshape(height, 1 + channels * width)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, channels).permute(2, 0, 1)[None].float() / 255


Answer = Callable[[nn.Module, bytes, str], Any]


def v2(network: nn.Module, body: bytes, kind: str) -> Any:
    (tensor,) = json.loads(body)["inputs"]
    assert (tensor["name"], tensor["datatype"], kind) == ("input", "FP32", "application/json")
    scores = outputs(network, torch.tensor(tensor["data"]).reshape(tensor["shape"])).softmax(1)
    return {
        "model_name": "m",
        "outputs": [{"name": "probs", "shape": list(scores.shape), "datatype": "FP32",
                     "data": scores.flatten().tolist()}],
    }  # fmt: skip


def tensorflow(network: nn.Module, body: bytes, kind: str) -> Any:
    x = torch.tensor(json.loads(body)["instances"]).permute(0, 3, 1, 2)
    return {"predictions": outputs(network, x).softmax(1).tolist()}


def scored(network: nn.Module, x: Tensor) -> list[tuple[str, float]]:
    scores = outputs(network, x).softmax(1)[0]
    return [(NAMES[i], float(scores[i])) for i in scores.argsort(descending=True)[:5].tolist()]


def huggingface(network: nn.Module, body: bytes, kind: str) -> Any:
    assert kind == "image/png"
    return [{"label": name, "score": score} for name, score in scored(network, picture(body))]


def torchserve(network: nn.Module, body: bytes, kind: str) -> Any:
    assert kind == "image/png"
    return dict(scored(network, picture(body)))


def gradio(network: nn.Module, body: bytes, kind: str) -> Any:
    url = json.loads(body)["data"][0]
    start, _, content = url.partition(",")
    assert start == "data:image/png;base64"
    found = scored(network, picture(base64.b64decode(content)))
    entries = [{"label": name, "confidence": score} for name, score in found]
    return {"data": [{"label": found[0][0], "confidences": entries}], "duration": 0.1}


SERVERS: dict[str, tuple[Answer, dict[str, Any]]] = {
    "v2": (v2, {"protocol": "v2"}),
    "TensorFlow Serving": (tensorflow, {"layout": "hwc"}),
    "huggingface": (huggingface, {"protocol": "huggingface", "labels": NAMES}),
    "torchserve": (torchserve, {"protocol": "torchserve", "labels": NAMES}),
    "gradio": (gradio, {"protocol": "gradio", "labels": NAMES}),
}


@pytest.fixture
def server(request: pytest.FixtureRequest, network: nn.Module) -> Iterator[tuple[str, dict[str, Any]]]:
    answer, options = SERVERS[request.param]

    def content(body: bytes, headers: Mapping[str, str]) -> bytes:
        return json.dumps(answer(network, body, headers["Content-Type"])).encode()

    with posting(content) as url:
        yield url, options


@pytest.mark.parametrize("server", SERVERS, indirect=True)
def test_a_marked_network_is_recognised_behind_every_make_of_service(server: Any, mark: Path) -> None:
    url, options = server
    record = verify(mark, Service(url, **options), budget=140 + 40 * 19, device="cpu")
    assert record["claim"] is True, record


@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_holds_the_pixels(channels: int) -> None:
    image = torch.randint(256, (channels, 5, 7), generator=torch.Generator().manual_seed(0)) / 255
    assert torch.allclose(picture(png(image))[0], image, atol=1e-6)
    library = pytest.importorskip("PIL.Image")
    assert library.open(io.BytesIO(png(image))).size == (7, 5)


@pytest.mark.parametrize(
    ("protocol", "answer"),
    [
        ("v2", {"outputs": [{"shape": [1, 3], "data": [1, 2]}]}),
        ("v2", {"outputs": [{"shape": [-1, -2], "data": [1, 2]}]}),
        ("v2", {"outputs": [{"name": "a"}, {"name": "b"}]}),
        ("v2", {"outputs": "none"}),
        ("v2", []),
        ("gradio", {"error": "no"}),
        ("gradio", {"data": []}),
    ],
)
def test_what_is_not_of_the_protocol_is_no_answer(protocol: str, answer: Any) -> None:
    with pytest.raises(UnusableAnswer) as refused:
        unwrapped(answer, protocol, 1, "")
    assert "\n" not in str(refused.value)
