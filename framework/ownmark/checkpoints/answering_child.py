"""The process that asks an ONNX file: `python -m ownmark.checkpoints.answering_child FILE MEMORY`.

Comes: number of dimensions, lengths (int64), float32 values. Goes: number of bytes, then the same; or minus the number
of bytes of a sentence.
"""

from __future__ import annotations

import struct
import sys
from typing import Any


def session(path: str) -> Any:
    """A session on one thread, without extensions of any kind."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def answer(running: Any, x: Any) -> Any:
    """The first output for images of the type that the input wants; one by one where it takes no more.

    Raises:
        ValueError: it has several inputs, or one of another type.
    """
    import numpy as np

    if len(running.get_inputs()) != 1:
        raise ValueError(f"it has {len(running.get_inputs())} inputs, images go into one")
    wants = running.get_inputs()[0]
    types = {"tensor(float)": "f4", "tensor(float16)": "f2", "tensor(double)": "f8"}
    if wants.type not in types:
        raise ValueError(f"it takes {wants.type}, not pixels in [0, 1]")
    name, batch = wants.name, wants.shape[0] if wants.shape else None
    x = x.astype(types[wants.type])
    parts = [x] if not isinstance(batch, int) else [x[i : i + batch] for i in range(0, len(x), batch)]
    if isinstance(batch, int) and len(parts[-1]) < batch:
        parts[-1] = np.concatenate([parts[-1]] + [parts[-1][-1:]] * (batch - len(parts[-1])))
    found = np.concatenate([running.run(None, {name: part})[0] for part in parts])[: len(x)]
    return np.ascontiguousarray(found, dtype="<f4")


def main(path: str) -> None:
    """Answer until the pipe is closed."""
    import numpy as np

    source, sink = sys.stdin.buffer, sys.stdout.buffer
    running = None
    while head := source.read(8):
        shape = struct.unpack(
            f"<{struct.unpack('<q', head)[0]}q", source.read(8 * struct.unpack("<q", head)[0])
        )
        x = np.frombuffer(source.read(4 * int(np.prod(shape))), dtype="<f4").reshape(shape)
        try:
            running = running or session(path)
            found = answer(running, x)
            content = struct.pack(f"<q{found.ndim}q", found.ndim, *found.shape) + found.tobytes()
            sink.write(struct.pack("<q", len(content)) + content)
        except Exception as error:
            said = " ".join(str(error).split())[:1000].encode() or b"it breaks off"
            sink.write(struct.pack("<q", -len(said)) + said)
        sink.flush()


if __name__ == "__main__":
    import onnxruntime  # noqa: F401  (before the limits: its libraries take address space of their own)

    from ownmark.checkpoints.child import limit

    limit(int(sys.argv[2]), 2**20, 10**6)
    main(sys.argv[1])
