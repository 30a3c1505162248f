"""The graph: each node once, parents first; a failure reaches all that is made from it and nothing else."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from ownmark.runner.engine import Engine
from ownmark.runner.execute import InProcess, Work
from ownmark.runner.graph import Bench, Counted, Front, Graph, Node, Together, once
from ownmark.runner.progress import Silent
from ownmark.runner.session import prepare
from ownmark.runner.store import Contents, Store, StoredEntry
from ownmark.runner.yamlfile import Document

PLAN = """
schemes: [{uchida: {bits: 8}}, {content: {keys: 5}}]
attacks: [none, prune, {finetune: {recipe: {epochs: 1}}}]
"""


def node(name: str, *parents: Node, broken: bool = False) -> Node:
    def compute(bench: Bench) -> Contents:
        if broken:
            raise RuntimeError(f"{name} broke")
        return Contents({"name": name})

    return Node("host", name, {"name": name, "of": [one.digest for one in parents]}, compute, parents)


def random_nodes(draw: random.Random, count: int) -> list[Node]:
    """Nodes made from some of those before them."""
    nodes: list[Node] = []
    for i in range(count):
        nodes.append(node(str(i), *draw.sample(nodes, draw.randint(0, min(3, len(nodes))))))
    return nodes


@pytest.mark.parametrize("seed", range(10))
def test_random_graphs_are_walked_once_with_parents_first(seed: int) -> None:
    nodes = random_nodes(random.Random(seed), 40)
    random.Random(-seed).shuffle(nodes)
    graph = Graph({one.label: [one] for one in nodes[:20]})
    front, order = Front(graph), []
    while front:
        order.append(front.pop())
        assert all(parent in order[:-1] for parent in order[-1].parents)
        front.settle(order[-1])
    assert len(order) == len(graph.nodes) == len({one.digest for one in order})


def test_one_process_finishes_one_after_the_other() -> None:
    """A record is there as soon as its own stages are, not when the whole plan is."""
    shared = node("shared")
    wanted = {name: [shared, node(name, shared)] for name in "abc"}
    graph = Graph(wanted)
    front, counted, finished = Front(graph), Counted(graph), []
    while front:
        one = front.pop()
        front.settle(one)
        finished.append(list(counted.settle(one)))
    assert finished == [[], ["a"], ["b"], ["c"]]


def test_a_failure_reaches_its_descendants_and_nobody_else(tmp_path: Path) -> None:
    engine = Engine(Store(tmp_path / "store"), torch.device("cpu"), Silent(), tmp_path / "journal")
    broken = node("broken", broken=True)
    child = node("child", broken)
    grandchild, other = node("grandchild", child), node("other", node("sound"))
    graph = Graph({"all": [grandchild, other]})
    settled = list(InProcess().run(Work(graph, engine, Document(None, "", {}), Silent())))
    assert [one.label for one in settled] == ["broken", "child", "grandchild", "sound", "other"]
    for one in (broken, child, grandchild):
        with pytest.raises(RuntimeError, match="broken broke"):
            engine.get(one)
    assert engine.get(other).values["name"] == "other"


def test_a_node_is_made_once_for_each_key() -> None:
    class Maker:
        @once(lambda name, extra=0: name)
        def made(self, name: str, extra: int = 0) -> Node:
            return node(name)

        @once(lambda name: name)
        def also(self, name: str) -> Node:
            return node(name)

    maker = Maker()
    assert maker.made("a") is maker.made("a", extra=1)
    assert maker.made("a") is not maker.made("b")
    assert maker.made("a") is not maker.also("a")
    assert maker.made("a") is not Maker().made("a")


def test_stages_ask_for_nothing_but_the_parents_that_they_name(workshop, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    task = workshop.task.replace("keys: 3", "keys: 3, every_epoch: 1")
    session = prepare(
        workshop.write(PLAN, task=task),
        workshop.folder / "run",
        workshop.store,
        "cpu",
        None,
        workshop.catalog,
    )
    at: list[Node] = []
    asked: set[tuple[str, str]] = set()
    get, compute = Engine.get, Engine._compute

    def watched(self: Engine, one: Node) -> StoredEntry:
        if at and one is not at[-1]:
            assert one.digest in {parent.digest for parent in at[-1].parents}, (at[-1].label, one.label)
            asked.add((at[-1].stage, one.stage))
        return get(self, one)

    def computed(self: Engine, one: Node, key: str, retries: int) -> StoredEntry:
        at.append(one)
        try:
            return compute(self, one, key, retries)
        finally:
            at.pop()

    monkeypatch.setattr(Engine, "get", watched)
    monkeypatch.setattr(Engine, "_compute", computed)
    assert not session.run(InProcess()).failed
    assert {
        ("threshold", "host"),
        ("evidence", "marked"),
        ("judged", "threshold"),
        ("vanilla", "epochs"),
    } <= asked


@pytest.mark.parametrize("others", [1, 30])
def test_nobody_waits_once_for_each_stage_that_others_compute(
    others: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last of them ends first; its child is ready as soon as that is seen."""
    engine = Engine(Store(tmp_path / "store"), torch.device("cpu"), Silent(), None)
    nodes = [node(str(i)) for i in range(others)]
    claims = {one.label: Store(tmp_path / "store").claim(one.stage, one.digest, one.label) for one in nodes}
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        for one in [nodes[-1]] if len(naps) == 1 else nodes:
            if (claim := claims.pop(one.label, None)) is not None:
                engine.store.write(one.stage, one.digest, Contents({"name": one.label}), {})
                with claim:
                    pass

    monkeypatch.setattr("ownmark.runner.execute.time.sleep", nap)
    child = node("child", nodes[-1])
    run = InProcess().run(Work(Graph({"all": [*nodes, child]}), engine, Document(None, "", {}), Silent()))
    order = [(one.label, len(naps)) for one in run]
    assert order[:2] == [(str(others - 1), 1), ("child", 1)]
    assert {waits for _, waits in order[2:]} <= {2}
    assert len(order) == others + 1


def side(name: str, calls: list[list[str]], broken: str = "") -> Node:
    def contents(names: list[str]) -> list[Contents]:
        calls.append(names)
        if broken in names and broken:
            raise RuntimeError(f"{broken} broke")
        return [Contents({"name": one}) for one in names]

    together = Together("all", name, lambda asked: contents([member for _, member in asked]))
    return Node("host", name, {"name": name}, lambda bench: contents([name])[0], (), together)


@pytest.mark.parametrize("broken", ["", "b", "d"])
def test_what_breaks_beside_others_breaks_alone(tmp_path: Path, broken: str) -> None:
    calls: list[list[str]] = []
    nodes = [side(name, calls, broken) for name in "abcde"]
    engine = Engine(Store(tmp_path / "store"), torch.device("cpu"), Silent(), tmp_path / "journal")
    engine.get(nodes[2])
    settled = list(
        InProcess(together=True).run(Work(Graph({"all": nodes}), engine, Document(None, "", {}), Silent()))
    )
    assert [one.label for one in settled] == list("abcde")
    assert calls[1] == ["a", "b", "d", "e"], "what is stored takes no part"
    for one in nodes:
        if one.label == broken:
            with pytest.raises(RuntimeError, match="broke"):
                engine.get(one)
        else:
            assert engine.get(one).values["name"] == one.label
