"""How prediction services of several makes are asked, and where their answers lie.

plain        {"instances": [images]} -> {"predictions": [...]}; other names are options (TensorFlow Serving: `hwc`)
v2           Open Inference Protocol 2, as KServe and Triton serve it: tensors with name, shape and type
huggingface  one image a request, as PNG -> [{"label", "score"}, ...]
torchserve   one image a request, as PNG -> {"label": score, ...}, a list of scores, or a label
gradio       {"data": [PNG as data URL]} -> {"data": [{"label", "confidences": [...]}]}

A PNG holds 8 bits a channel: pixels are rounded to 1/255, and what a trigger hides below that is lost on the way.
"""

from __future__ import annotations

import base64
import json
import math
import struct
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ownmark.errors import UnusableAnswer
from ownmark.foreign import shown

if TYPE_CHECKING:
    from ownmark.ownership.endpoint import Service

ONE_BY_ONE = frozenset({"huggingface", "torchserve", "gradio"})
"""Protocols that take one image a request."""
TYPES = {"unit": "FP32", "byte": "UINT8"}


def request_of(batch: Tensor, service: Service, encoded: list[Any]) -> tuple[bytes, str]:
    """Body and content type of a request.

    Args:
        batch: images [N, C, H, W] in [0, 1], or other inputs. encoded: the same as nested lists, images in the
            service's layout and range.

    Raises:
        UnusableAnswer: the protocol sends pictures, and these inputs are none.
    """
    if batch.ndim != 4 and service.protocol in ONE_BY_ONE:
        raise UnusableAnswer(
            f"protocol {service.protocol} sends pictures, and the task's inputs are none; use plain or v2"
        )
    if service.protocol == "v2":
        channels_last = batch.ndim == 4 and service.layout == "hwc"
        tensor = {
            "name": service.input_name,
            "shape": list(batch.permute(0, 2, 3, 1).shape if channels_last else batch.shape),
            "datatype": "INT64"
            if batch.dtype == torch.int64
            else TYPES[service.pixels if batch.ndim == 4 else "unit"],
            "data": encoded,
        }
        return json.dumps({"inputs": [tensor]}).encode(), "application/json"
    if service.protocol in ("huggingface", "torchserve"):
        return png(batch[0]), "image/png"
    if service.protocol == "gradio":
        url = "data:image/png;base64," + base64.b64encode(png(batch[0])).decode()
        return json.dumps({"data": [url]}).encode(), "application/json"
    body: Any = encoded
    for step in reversed(service.request_field.split(".")):
        body = {step: body}
    return json.dumps(body).encode(), "application/json"


def unwrapped(answer: Any, protocol: str, count: int, name: str) -> Any:
    """What an answer says of `count` images, out of what the protocol wraps around it.

    Args:
        name: of the output that is meant, where there are several.

    Raises:
        UnusableAnswer: it is not of that protocol.
    """
    if protocol == "v2":
        return _tensor(answer, name)
    if protocol == "huggingface":
        return [answer]
    if protocol == "torchserve":
        return [_scored(answer)]
    if protocol == "gradio":
        data = answer.get("data") if isinstance(answer, Mapping) else None
        if not isinstance(data, list) or not data:
            raise UnusableAnswer(f"expected 'data' in the answer, found {shown(answer, 80)}")
        return [_scored(data[0])]
    return answer


def _scored(answer: Any) -> Any:
    """{label: score, ...} and {label, confidences} as [{label, score}, ...]; anything else as it is."""
    if not isinstance(answer, Mapping):
        return answer
    if isinstance(answer.get("confidences"), list):
        return [{"label": one.get("label"), "score": one.get("confidence")} for one in answer["confidences"]
                if isinstance(one, Mapping)]  # fmt: skip
    if answer and all(_is_number(score) for score in answer.values()):
        return [{"label": label, "score": score} for label, score in answer.items()]
    return answer


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _tensor(answer: Any, name: str) -> Any:
    outputs = answer.get("outputs") if isinstance(answer, Mapping) else None
    if not isinstance(outputs, list) or not all(isinstance(one, Mapping) for one in outputs):
        raise UnusableAnswer(f"expected 'outputs' with tensors in the answer, found {shown(answer, 80)}")
    named = [one for one in outputs if not name or one.get("name") == name]
    if len(named) != 1:
        found = ", ".join(str(one.get("name")) for one in outputs)
        raise UnusableAnswer(
            f"the answer has {len(outputs)} tensors, {shown(found, 80)}; name one with --answer-field"
        )
    shape, data = named[0].get("shape"), named[0].get("data")
    try:
        size = [int(length) for length in shape]
        flat = torch.as_tensor(data).reshape(-1)
        if min(size, default=0) < 0 or math.prod(size) != len(flat):
            raise ValueError(f"{len(flat)} values for shape {size}")
        tensor = flat.reshape(size)
        return tensor.reshape(size[0]) if size[1:] == [1] else tensor
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise UnusableAnswer(f"a tensor that is none: {shown(error, 100)}") from error


def png(image: Tensor) -> bytes:
    """An image [1 or 3, H, W] in [0, 1] as a PNG file (ISO 15948), 8 bits a channel."""
    channels, height, width = image.shape
    if channels not in (1, 3):
        raise UnusableAnswer(f"an image of {channels} channels is no picture; 1 and 3 are")
    pixels = (image.detach().cpu() * 255).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).contiguous()
    rows = b"".join(b"\0" + bytes(row.reshape(-1).tolist()) for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
