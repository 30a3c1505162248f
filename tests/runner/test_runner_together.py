"""Null models computed side by side are those that each would be alone, whatever the plan trains them on."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import torch

from ownmark.contracts.weights import read_tensors
from ownmark.runner.cell import expand
from ownmark.runner.execute import InProcess
from ownmark.runner.graph import Node
from ownmark.runner.session import Session, prepare

PLAN = "schemes: [{uchida: {bits: 8}}]\n"
TASK = """
tasks: [{dataset: {digits: {limit_train: 250, limit_test: 60}}, host: {convnet: {width: 0.25, recipe: {epochs: 1}}}}]
verdict: {null_models: 6, keys: 2, nulls: %s}
"""
NULLS = {
    "disjoint": "{noise: 0}",
    "with noise": "{}",
    "the owner's": "{data: owner}",
    "hosts": "{hosts: {convnet: {width: 0.5}}}",
}


def groups(session: Session) -> list[list[Node]]:
    """The null models, by what may be computed together."""
    task = expand(session.plan)[0].task
    found: dict[object, list[Node]] = defaultdict(list)
    for node in session.making.hosts.nulls(task):
        assert node.together is not None
        found[node.together.key].append(node)
    return list(found.values())


@pytest.mark.parametrize("nulls", NULLS)
def test_together_is_as_alone(workshop, nulls: str) -> None:  # type: ignore[no-untyped-def]
    plan = workshop.write(PLAN, task=TASK % NULLS[nulls])
    session = prepare(plan, workshop.folder / "out", workshop.store, "cpu", None, workshop.catalog)
    engine, weights = session.making.engine, []
    for nodes in groups(session):
        asked = [(engine._bench()[0], node.together.member) for node in nodes if node.together]
        assert nodes[0].together is not None
        beside = nodes[0].together.compute(asked)
        for node, contents in zip(nodes, beside, strict=True):
            alone = node.compute(engine._bench()[0]).tensors["network"]
            both = contents.tensors["network"]
            assert all(torch.equal(both[name], alone[name]) for name in alone)
            weights.append(torch.cat([tensor.flatten().float() for tensor in both.values()]))
    assert len({tuple(one.tolist()) for one in weights}) == 6


def test_networks_on_other_images_are_of_other_groups(workshop) -> None:  # type: ignore[no-untyped-def]
    plan = workshop.write(PLAN, task=TASK % "{}")
    session = prepare(plan, workshop.folder / "out", workshop.store, "cpu", None, workshop.catalog)
    kinds = [{node.about.get("images", "owner") for node in nodes} for nodes in groups(session)]
    assert sorted(map(sorted, kinds)) == [["half"], ["half, noise 0.5"], ["pool"], ["pool, noise 0.5"]]


HOSTS = {
    "plain": "convnet: {width: 0.25, recipe: {epochs: 1}}", "dropout": "drops", "terms that keep a state": "counts",
    "draws that stray": "strays", "no epochs": "drops: {recipe: {epochs: 0}}",
}  # fmt: skip


def stored(store: Path) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Values, but for what they cost, and tensors of all entries."""
    found = {}
    for path in store.glob("*/*/*/values.json"):
        values = {name: value for name, value in json.loads(path.read_text()).items() if name != "cost"}
        tensors = {file.stem: read_tensors(file, "entry")[0] for file in path.parent.glob("*.safetensors")}
        found[f"{path.parts[-4]} {path.parent.name}"] = (values, tensors)
    return found


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(
        one[file].keys() == other[file].keys()
        and all(torch.equal(one[file][name], other[file][name]) for name in one[file])
        for file in one
    )


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_a_run_together_leaves_the_bits_of_one_alone(workshop, host: str) -> None:  # type: ignore[no-untyped-def]
    task = TASK.replace("convnet: {width: 0.25, recipe: {epochs: 1}}", host) % "{}"
    plan = workshop.write("schemes: [{signs: {bits: 8}}]\nattacks: [none, shift]\n", task=task)
    stores = [workshop.folder / name for name in ("alone", "together")]
    for store in stores:
        session = prepare(plan, workshop.folder / "out", store, "cpu", None, workshop.catalog)
        assert not session.run(InProcess(together=store.name == "together")).failed
    alone, together = map(stored, stores)
    assert alone.keys() == together.keys()
    assert [key for key in alone if alone[key][0] != together[key][0]] == []
    assert [key for key in alone if not same(alone[key][1], together[key][1])] == []
    assert len([key for key in alone if key.startswith("host")]) == 7
