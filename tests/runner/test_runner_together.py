"""Null models computed side by side are those that each would be alone, whatever the plan trains them on."""

from __future__ import annotations

from collections import defaultdict

import pytest
import torch

from ownmark.runner.cell import expand
from ownmark.runner.graph import Node
from ownmark.runner.session import Session, prepare

PLAN = "schemes: [{uchida: {bits: 8}}]\n"
TASK = """
tasks: [{dataset: {digits: {limit_train: 250, limit_test: 60}}, host: {convnet: {width: 0.25, recipe: {epochs: 1}}}}]
verdict: {null_models: 6, keys: 2, nulls: %s}
"""
NULLS = {"disjoint": "{}", "the owner's": "{data: owner}", "hosts": "{hosts: {convnet: {width: 0.5}}}"}


def groups(session: Session) -> list[list[Node]]:
    """The null models, by what may be computed together."""
    task = expand(session.plan)[0].task
    found: dict[object, list[Node]] = defaultdict(list)
    for node in session.making.nulls(task):
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
    assert sorted(map(sorted, kinds)) == [["half"], ["pool"]]
