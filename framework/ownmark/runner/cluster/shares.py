"""How much of a worker each kind of stage takes, from what such stages took before. Bookkeeping, not isolation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from ownmark.runner.graph import Node

ROOM = 1.25
"""Memory asked for, over what was measured."""
SMALLEST = 1 / 16
"""Share of a GPU that is asked for at least."""


class Shares:
    """Resources by kind of stage and task.

    Args:
        gpu_bytes: memory of one GPU; 0 without GPUs. cpus: of the largest machine.
    """

    def __init__(self, gpu_bytes: int, cpus: int = 1) -> None:
        self._gpu, self._most = gpu_bytes, max(1, cpus)
        self._seen: dict[tuple[str, str], int] = {}
        self._host: dict[tuple[str, str], int] = {}
        self._factor: dict[tuple[str, str], int] = defaultdict(lambda: 1)

    def measured(self, node: Node, cost: Mapping[str, Any]) -> None:
        """Such a stage took so much (`gpu_bytes`, `bytes`)."""
        for seen, name in ((self._seen, "gpu_bytes"), (self._host, "bytes")):
            took = cost.get(name)
            if isinstance(took, int):
                seen[_kind(node)] = max(took, seen.get(_kind(node), 0))

    def too_much(self, node: Node) -> bool:
        """Such a stage ran out of memory: half as many of them share a GPU, or a machine without, from now on.

        Returns: False if it was alone there.
        """
        if self.gpus(node) >= 1 or (not self._gpu and self.cpus(node) >= self._most):
            return False
        self._factor[_kind(node)] *= 2
        return True

    def gpus(self, node: Node) -> float:
        """Share of a GPU; a whole one for what was never measured."""
        if not self._gpu:
            return 0.0
        seen = self._seen.get(_kind(node))
        share = 1.0 if seen is None else max(SMALLEST, seen * ROOM / self._gpu)
        share *= self._factor[_kind(node)]
        return 1.0 if share > 0.5 else 1 / int(1 / share)

    def cpus(self, node: Node) -> int:
        """CPUs that it holds: one, or more where memory was short without a GPU, so that fewer are beside it."""
        return 1 if self._gpu else min(self._factor[_kind(node)], self._most)

    def options(self, node: Node) -> dict[str, Any]:
        """Of a Ray task."""
        found: dict[str, Any] = {"num_cpus": self.cpus(node)}
        if self._gpu:
            found["num_gpus"] = self.gpus(node)
        if _kind(node) in self._host:
            found["memory"] = int(self._host[_kind(node)] * ROOM)
        return found


def _kind(node: Node) -> tuple[str, str]:
    """The stage and its task, the word with a slash in the label."""
    return node.stage, next((word for word in node.label.split() if "/" in word), "")
