"""A Ray that computes nothing: it gives the answers that a test wants to see taken in."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import Any

import ray.exceptions

Answer = Callable[[str, tuple[Any, ...]], dict[str, Any]]
"""Of the name of a remote function and its arguments."""


class FakeRay:
    """What `OnRay` uses of Ray, on machines of these names; remembers every task as (function, options, arguments)."""

    exceptions = ray.exceptions

    def __init__(self, answer: Answer, hosts: Sequence[str] = ("there",)) -> None:
        self._answer, self._hosts = answer, hosts
        self.dead: set[str] = set()
        self.tasks: list[tuple[str, dict[str, Any], tuple[Any, ...]]] = []

    def remote(self, function: Callable[..., str]) -> _Task:
        """As `ray.remote`."""
        return _Task(self, function.__name__, {})

    def put(self, value: object) -> object:
        """As `ray.put`."""
        return value

    def nodes(self) -> list[dict[str, Any]]:
        """As `ray.nodes`."""
        return [
            {
                "Alive": host not in self.dead,
                "Resources": {"CPU": 1},
                "NodeID": f"{i:056x}",
                "NodeManagerHostname": host,
            }
            for i, host in enumerate(self._hosts)
        ]

    def cluster_resources(self) -> dict[str, float]:
        """As `ray.cluster_resources`."""
        return {"CPU": float(len(self._hosts))}

    def wait(self, tasks: list[Any], num_returns: int, timeout: float) -> tuple[list[Any], list[Any]]:
        """As `ray.wait`: whatever was submitted first has ended."""
        return tasks[:num_returns], tasks[num_returns:]

    def get(self, task: tuple[int, str, tuple[Any, ...]]) -> str:
        """As `ray.get`."""
        return json.dumps(self._answer(task[1], task[2]))

    @contextmanager
    def connected(self, workers: int | None, address: str | None) -> Any:
        """In place of `connecting.connected`."""
        yield self


class _Task:
    _numbers = itertools.count()

    def __init__(self, of: FakeRay, name: str, options: dict[str, Any]) -> None:
        self._of, self._name, self._options = of, name, options

    def options(self, **options: Any) -> _Task:
        return _Task(self._of, self._name, options)

    def remote(self, *arguments: Any) -> tuple[int, str, tuple[Any, ...]]:
        self._of.tasks.append((self._name, self._options, arguments))
        return next(self._numbers), self._name, arguments
