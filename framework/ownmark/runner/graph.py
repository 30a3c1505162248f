"""The graph of a plan: nodes that name the nodes they are made from, shared by all cells.

A node is one stage. Its digest, the store key, is computed once; a cell is finished when the last of its nodes is.
"""

from __future__ import annotations

import functools
import heapq
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

import torch

from ownmark.loops import Fitter
from ownmark.runner.digest import digest
from ownmark.runner.store import Contents

Wanted = TypeVar("Wanted", bound=Hashable)


@dataclass(frozen=True)
class Bench:
    """What a stage works with: a device, and networks trained through `fitter`."""

    device: torch.device
    fitter: Callable[[torch.Generator], Fitter]


@dataclass(frozen=True, eq=False)
class Together:
    """How a node may be computed side by side with others on one GPU, each with the result that it has alone.

    Args:
        key: equal for nodes that may. member: what `compute` is told of this one.
        compute: contents of several, from their benches and members.
    """

    key: Hashable
    member: Any
    compute: Callable[[Sequence[tuple[Bench, Any]]], list[Contents]]


@dataclass(frozen=True, eq=False)
class Node:
    """One stage of the graph.

    Args:
        stage: its kind, the store's first folder. label: for people.
        about: all that its result depends on, JSON-ready; its hash is the store key.
        compute: makes the contents, asking the engine for the nodes it is made from.
        parents: these nodes, all of them; they are in the store before `compute` is called.
        together: see `Together`; None for what is computed alone.
    """

    stage: str
    label: str
    about: Mapping[str, Any]
    compute: Callable[[Bench], Contents]
    parents: tuple[Node, ...] = ()
    together: Together | None = None

    @cached_property
    def digest(self) -> str:
        """Store key."""
        return digest([self.stage, self.about])


def once(key: Callable[..., Hashable]) -> Callable[[Callable[..., Node]], Callable[..., Node]]:
    """For methods that make nodes: one node for each key of their arguments, kept on the instance.

    Args:
        key: of the arguments, what the node depends on: cells that differ in nothing else share it.
    """

    def kept(make: Callable[..., Node]) -> Callable[..., Node]:
        @functools.wraps(make)
        def get(self: Any, *args: Any, **options: Any) -> Node:
            made: dict[Hashable, Node] = self.__dict__.setdefault("_made", {})
            found = (make.__name__, key(*args, **options))
            if found not in made:
                made[found] = make(self, *args, **options)
            return made[found]

        return get

    return kept


class Graph(Generic[Wanted]):
    """All nodes behind what is wanted, parents first, in the order in which one process computes them.

    Args:
        wanted: for each cell, or whatever is to be finished, its nodes.
    """

    def __init__(self, wanted: Mapping[Wanted, Iterable[Node]]) -> None:
        self.nodes: dict[str, Node] = {}
        self.wanted: dict[Wanted, tuple[str, ...]] = {}
        self.children: dict[str, list[str]] = defaultdict(list)
        for name, nodes in wanted.items():
            self.wanted[name] = tuple(dict.fromkeys(self._add(node) for node in nodes))

    def _add(self, node: Node) -> str:
        key = node.digest
        if key not in self.nodes:
            for parent in dict.fromkeys(self._add(parent) for parent in node.parents):
                self.children[parent].append(key)
            self.nodes[key] = node
        return key


class Front:
    """Nodes that are ready: whose parents are settled, done or failed. Those that come first in the graph go first."""

    def __init__(self, graph: Graph[Any]) -> None:
        self._graph = graph
        self._rank = {key: rank for rank, key in enumerate(graph.nodes)}
        self._missing = {key: len({one.digest for one in node.parents}) for key, node in graph.nodes.items()}
        self._ready = [(self._rank[key], key) for key, count in self._missing.items() if not count]

    def __bool__(self) -> bool:
        return bool(self._ready)

    def pop(self) -> Node:
        """The next ready node."""
        return self._graph.nodes[heapq.heappop(self._ready)[1]]

    def pop_beside(self, node: Node, count: int) -> list[Node]:
        """Up to `count` further ready nodes that may be computed together with this one."""
        if node.together is None:
            return []
        key, nodes = node.together.key, self._graph.nodes
        found = [one for one in sorted(self._ready) if (side := nodes[one[1]].together) and side.key == key]
        for one in found[:count]:
            self._ready.remove(one)
        heapq.heapify(self._ready)
        return [nodes[digest] for _, digest in found[:count]]

    def settle(self, node: Node) -> None:
        """The node is done, or has failed: its children may become ready."""
        for child in self._graph.children[node.digest]:
            self._missing[child] -= 1
            if not self._missing[child]:
                heapq.heappush(self._ready, (self._rank[child], child))


class Counted(Generic[Wanted]):
    """Which of the wanted are finished as nodes are settled."""

    def __init__(self, graph: Graph[Wanted]) -> None:
        self._left = {name: len(keys) for name, keys in graph.wanted.items()}
        self._waiting: dict[str, list[Wanted]] = defaultdict(list)
        for name, keys in graph.wanted.items():
            for key in keys:
                self._waiting[key].append(name)

    def settle(self, node: Node) -> Iterator[Wanted]:
        """Those that this node finishes."""
        for name in self._waiting.pop(node.digest, ()):
            self._left[name] -= 1
            if not self._left[name]:
                yield name
