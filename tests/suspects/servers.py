"""Services of several makes: a server for each, written from its protocol's description, behind a real socket."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from PIL import Image
from tests.posting import posting
from tests.suspects.answering import NAMES
from torch import Tensor, nn

from ownmark.contracts import outputs

Answer = Callable[[nn.Module, bytes], Any]


def picture(content: bytes) -> Tensor:
    """[1, 1, H, W] of an encoded picture, as services decode it."""
    array = np.array(Image.open(io.BytesIO(content)).convert("L"))
    return torch.from_numpy(array.copy())[None, None].float() / 255


def best(net: nn.Module, x: Tensor) -> list[tuple[str, float]]:
    row = outputs(net, x).softmax(1)[0]
    return [(NAMES[k], float(row[k])) for k in row.argsort(descending=True)[:5].tolist()]


def plain(net: nn.Module, body: bytes) -> Any:
    return {"predictions": outputs(net, torch.tensor(json.loads(body)["instances"])).softmax(1).tolist()}


def nested(net: nn.Module, body: bytes) -> Any:
    found = outputs(net, torch.tensor(json.loads(body)["inputs"]["images"])).softmax(1).tolist()
    return {"result": {"data": {"scores": found}}}


def v2(net: nn.Module, body: bytes) -> Any:
    (tensor,) = json.loads(body)["inputs"]
    found = outputs(net, torch.tensor(tensor["data"]).reshape(tensor["shape"])).softmax(1)
    output = {
        "name": "probs",
        "shape": list(found.shape),
        "datatype": "FP32",
        "data": found.flatten().tolist(),
    }
    return {"model_name": "m", "outputs": [output]}


def tensorflow(net: nn.Module, body: bytes) -> Any:
    x = torch.tensor(json.loads(body)["instances"]).permute(0, 3, 1, 2)
    return {"predictions": outputs(net, x).softmax(1).tolist()}


def huggingface(net: nn.Module, body: bytes) -> Any:
    return [{"label": name, "score": score} for name, score in best(net, picture(body))]


def torchserve(net: nn.Module, body: bytes) -> Any:
    return dict(best(net, picture(body)))


def gradio(net: nn.Module, body: bytes) -> Any:
    content = base64.b64decode(json.loads(body)["data"][0].partition(",")[2])
    found = best(net, picture(content))
    entries = [{"label": name, "confidence": score} for name, score in found]
    return {"data": [{"label": found[0][0], "confidences": entries}], "duration": 0.1}


def top_one(net: nn.Module, body: bytes) -> Any:
    found = outputs(net, torch.tensor(json.loads(body)["instances"])).argmax(1)
    return {"predictions": [{"label": NAMES[int(k)], "score": 0.9} for k in found]}


def web_page(net: nn.Module, body: bytes) -> Any:
    return "<html>Please log in</html>"


SERVERS: dict[str, tuple[Answer, dict[str, Any]]] = {
    "a service: plain JSON": (plain, {}),
    "a service: the best label by name, with `labels`": (top_one, {"labels": NAMES}),
    "a service: Open Inference Protocol 2 (KServe, Triton)": (v2, {"protocol": "v2"}),
    "a service: TensorFlow Serving": (tensorflow, {"layout": "hwc"}),
    "a service: TorchServe": (torchserve, {"protocol": "torchserve", "labels": NAMES}),
    "a service: Hugging Face image classification": (
        huggingface,
        {"protocol": "huggingface", "labels": NAMES},
    ),
    "a service: Gradio": (gradio, {"protocol": "gradio", "labels": NAMES}),
    "a service: nested fields": (
        nested,
        {"request_field": "inputs.images", "answer_field": "result.data.scores"},
    ),
    "a service that wants a login": (web_page, {"retries": 0}),
}


def serving(answer: Answer, net: nn.Module) -> AbstractContextManager[str]:
    """The address of a server that answers so."""

    def content(body: bytes, headers: Mapping[str, str]) -> bytes:
        said = answer(net, body)
        return said.encode() if isinstance(said, str) else json.dumps(said).encode()

    return posting(content)
