"""An ONNX file that answers images: onnxruntime in a process of its own, with limits, asked over a pipe."""

from __future__ import annotations

import os
import selectors
import struct
import subprocess
import sys
import time
import weakref
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from ownmark.errors import UntrustedFile
from ownmark.foreign import shown

SECONDS = 120.0
"""For one batch, the loading of the file included."""
BATCH = 256
MOST = 2**28
"""Bytes of one answer."""


class OnnxAnswers:
    """Images [N, C, H, W] -> what the file's first output says of them, float32 [N, ...].

    The process starts with the first question and ends with this object.
    """

    def __init__(self, path: Path, seconds: float = SECONDS) -> None:
        self._path, self._seconds = path, seconds
        self._running: subprocess.Popen[bytes] | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """Ask.

        Raises:
            UntrustedFile: the file is none, takes other images, or more time or memory than it may.
        """
        return torch.cat([self._answer(part) for part in torch.split(x.detach().cpu().float(), BATCH)])

    def _answer(self, x: Tensor) -> Tensor:
        running = self._running or self._start()
        assert running.stdin is not None
        assert running.stdout is not None
        until = time.monotonic() + self._seconds
        try:
            running.stdin.write(_packed(x))
            running.stdin.flush()
            size = struct.unpack("<q", self._read(running.stdout, 8, until))[0]
            if size < 0:
                said = self._read(running.stdout, min(-size, 4096), until).decode("utf-8", "replace")
                raise UntrustedFile(f"{self._path}: does not answer: {shown(said, 300)}")
            if size > MOST:
                raise UntrustedFile(f"{self._path}: an answer of {size:,} bytes; it was given up")
            return _unpacked(self._read(running.stdout, size, until))
        except (OSError, EOFError, struct.error, ValueError) as error:
            self.close()
            raise UntrustedFile(
                f"{self._path}: asking it takes more memory or time than its size allows; it was given up"
            ) from error

    def close(self) -> None:
        """End the process."""
        if self._running is not None:
            _end(self._running)
            self._running = None

    def _start(self) -> subprocess.Popen[bytes]:
        limit = str(2**32 + 6 * self._path.stat().st_size)
        kept = {
            n: os.environ[n] for n in ("PATH", "LANG", "SYSTEMROOT", "LD_LIBRARY_PATH") if n in os.environ
        }
        command = [
            sys.executable,
            "-I",
            "-m",
            "ownmark.checkpoints.answering_child",
            str(self._path.resolve()),
            limit,
        ]
        self._running = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
            env=kept | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        weakref.finalize(self, _end, self._running)
        return self._running

    @staticmethod
    def _read(stream: IO[bytes], size: int, until: float) -> bytes:
        found = bytearray()
        with selectors.DefaultSelector() as waiting:
            waiting.register(stream, selectors.EVENT_READ)
            while len(found) < size:
                if not waiting.select(max(0.0, until - time.monotonic())):
                    raise EOFError("too late")
                part = os.read(stream.fileno(), min(2**20, size - len(found)))
                if not part:
                    raise EOFError("it ended")
                found += part
        return bytes(found)


def _end(running: subprocess.Popen[Any]) -> None:
    running.kill()
    running.wait()
    for stream in (running.stdin, running.stdout):
        if stream is not None:
            stream.close()


def _packed(x: Tensor) -> bytes:
    """Number of dimensions, their lengths, values."""
    head = struct.pack(f"<q{x.ndim}q", x.ndim, *x.shape)
    return head + x.contiguous().numpy().astype("<f4").tobytes()


def _unpacked(content: bytes) -> Tensor:
    import numpy as np

    dimensions = struct.unpack_from("<q", content)[0]
    if not 0 <= dimensions <= 8:
        raise ValueError("not an answer")
    shape = struct.unpack_from(f"<{dimensions}q", content, 8)
    values = np.frombuffer(content, dtype="<f4", offset=8 * (1 + dimensions))
    return torch.from_numpy(values.reshape(shape).copy())
