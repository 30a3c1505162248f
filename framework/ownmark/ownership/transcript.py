"""What a suspect was asked and what it said, kept so that a third party can ask for less trust, and replayed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ownmark.contracts.weights import read_tensors, write_tensors
from ownmark.errors import UntrustedFile
from ownmark.ownership.folder import inside

FILE = "transcript.safetensors"
Answers = Callable[[Tensor], Any]


class Recorder:
    """Passes questions on and keeps them with the answers."""

    def __init__(self) -> None:
        self._asked: list[Tensor] = []
        self._said: list[Tensor] = []

    def watching(self, answer: Answers) -> Answers:
        """`answer`, watched."""

        def watched(x: Tensor) -> Any:
            said = answer(x)
            try:
                found = torch.as_tensor(said).detach().cpu()
            except (TypeError, ValueError, RuntimeError):  # no answers: the verdict says so
                return said
            if found.ndim in (1, 2) and len(found) == len(x) and (found.ndim == 1 or found.shape[1]):
                self._asked.append(x.detach().cpu())
                self._said.append(found.argmax(1) if found.ndim == 2 else found.long())
            return said  # what is no answer is said to be none by whoever asked

        return watched

    def write(self, folder: Path) -> None:
        """Write questions `x` [N, C, H, W] and labels `y` [N]."""
        asked = torch.cat(self._asked) if self._asked else torch.zeros(0)
        said = torch.cat(self._said) if self._said else torch.zeros(0, dtype=torch.int64)
        write_tensors(folder / FILE, {"x": asked, "y": said}, {"ownmark": "transcript"})


class Replay:
    """Answers as the suspect did, and only what it was asked.

    Attributes:
        used: questions answered so far, of `total`. strayed: whether something else was asked.
    """

    def __init__(self, folder: Path) -> None:
        self._path = inside(folder, FILE)
        held, _ = read_tensors(self._path, "transcript")
        asked, said = held.get("x"), held.get("y")
        if asked is None or said is None or said.ndim != 1 or said.is_floating_point():
            raise UntrustedFile(f"{self._path}: incomplete or altered")
        if not asked.ndim or len(asked) != len(said) or not asked.is_floating_point():
            raise UntrustedFile(f"{self._path}: incomplete or altered")
        self._asked, self._said = asked, said
        self.used, self.total, self.strayed = 0, len(self._said), False

    def __call__(self, x: Tensor) -> Tensor:
        """Labels [N] of the next N questions.

        Raises:
            UntrustedFile: they are not what the key and its decoys ask.
        """
        asked = self._asked[self.used : self.used + len(x)]
        if asked.shape != x.shape or not torch.allclose(asked, x.cpu(), atol=1e-6):
            self.strayed = True
            raise UntrustedFile(f"{self._path}: does not hold what the key and the fresh keys ask")
        self.used += len(x)
        return self._said[self.used - len(x) : self.used]
