"""Schemes may be granted images that no host was trained on; null models, other images and other hosts."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ownmark.contracts import Fit, HostView, Key, Marked, Task
from ownmark.discovery import Catalog
from ownmark.errors import PlanError
from ownmark.methods import Kind, Need
from ownmark.runner import run
from ownmark.runner.cell import expand
from ownmark.runner.session import Session, prepare
from ownmark.testing import CheckFailed, checks_for, run_check, with_fakes
from ownmark.testing.check import REGISTRY
from ownmark.testing.fakes import FAKES, NoiseTriggers, NoiseTriggersConfig

TRIGGERS = 8
PLAN = """
tasks: [{dataset: {digits: {limit_train: 300, limit_test: 60}}, host: {convnet: {width: 0.25, recipe: {epochs: 1}}}}]
schemes: [{fresh: {triggers: 8}}, {fake-triggers: {triggers: 8}}]
attacks: [none, fake-scale]
verdict: {null_models: 1, keys: 2}
"""


class Fresh(NoiseTriggers):
    """Random labels for images of the task that the host does not know."""

    config: NoiseTriggersConfig

    def check(self, network: nn.Module, task: Task) -> None:
        super().check(network, task)
        assert task.unseen is not None

    def make_key(self, task: Task, rng: torch.Generator) -> Key:
        assert task.unseen is not None
        chosen = torch.randperm(len(task.unseen), generator=rng)[: self.config.triggers]
        drawn = super().make_key(task, rng)
        return Key("fresh", drawn.tensors | {"triggers": task.unseen.select(chosen).x}, dict(drawn.values))


class Bold(NoiseTriggers):
    """Takes such images without having asked for them."""

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        assert task.unseen is not None
        return super().embed(host, key, task, fit)


class Spoiling(NoiseTriggers):
    """Paints over the images that it was lent."""

    def embed(self, host: HostView, key: Key, task: Task, fit: Fit) -> Marked:
        assert task.unseen is not None
        task.unseen.x.zero_()
        return super().embed(host, key, task, fit)


def declared(target: type, id: str, *needs: Need) -> Any:
    fake = next(one for one in FAKES if one.id == "fake-triggers" and one.kind is Kind.SCHEME)
    return dataclasses.replace(
        fake, id=id, target=f"{__name__}:{target.__name__}", needs=fake.needs | {*needs}
    )


FRESH = declared(Fresh, "fresh", Need.UNSEEN)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    base = with_fakes()
    return dataclasses.replace(base, methods=(*base.methods, FRESH))


def prepared(catalog: Catalog, folder: Path, text: str) -> Session:
    (folder / "plan.yaml").write_text(PLAN + text)
    return prepare(folder / "plan.yaml", folder / "out", folder / "store", "cpu", None, catalog)


def images(x: Tensor) -> set[bytes]:
    return {bytes((one * 255).round().to(torch.uint8).numpy().tobytes()) for one in x}


def test_the_marks_images_are_those_that_nobody_else_has(catalog: Catalog, tmp_path: Path) -> None:
    session = prepared(catalog, tmp_path, "split: {reserve: 0.2, unseen: 0.1}\n")
    finished = run(tmp_path / "plan.yaml", out=tmp_path / "out", store=tmp_path / "store", catalog=catalog)
    assert [record["error"] for record in finished.failed] == []
    making = session.making
    cell = next(cell for cell in expand(session.plan) if cell.scheme.id.endswith("fresh"))
    splits = making.tasks.splits(cell.task.dataset)
    key = images(making.key(cell)["triggers"])
    assert key <= images(splits.unseen.x)
    for other in (splits.owner, splits.pool, splits.test):
        assert not key & (images(other.x) - images(splits.unseen.x))
    assert (len(splits.owner), len(splits.pool), len(splits.unseen)) == (210, 60, 30)
    assert making.tasks.task(cell.task, cell.scheme).unseen is not None


def test_a_scheme_that_does_not_ask_is_given_none(catalog: Catalog, tmp_path: Path) -> None:
    session = prepared(catalog, tmp_path, "split: {unseen: 0.1}\n")
    cell = next(cell for cell in expand(session.plan) if cell.scheme.id.endswith("fake-triggers"))
    assert session.making.tasks.task(cell.task, cell.scheme).unseen is None


@pytest.mark.parametrize("text", ["", "split: {reserve: 0.3}\n"])
def test_a_plan_that_keeps_none_is_told_before_anything_runs(
    catalog: Catalog, tmp_path: Path, text: str
) -> None:
    with pytest.raises(PlanError, match=r"plan.yaml:\d+: scheme fresh needs images .* set split.unseen"):
        prepared(catalog, tmp_path, text)


# --- in the kit -----------------------------------------------------------------------------------------------------


def test_the_kit_lends_such_images_to_a_scheme_that_asks(catalog: Catalog) -> None:
    for check in (check for check in checks_for(FRESH) if not check.thorough):
        run_check(check, FRESH, catalog)


@pytest.mark.parametrize(
    ("target", "needs", "check"),
    [
        (Fresh, (), "scheme-accepts-the-kits-host"), (Bold, (), "scheme-leaves-the-rest-alone"),
        (Spoiling, (Need.UNSEEN,), "scheme-leaves-the-rest-alone"),
    ],
)  # fmt: skip
def test_the_kit_finds_a_scheme_that_takes_more_than_it_asks_for(
    target: type, needs: tuple[Need, ...], check: str
) -> None:
    with pytest.raises(CheckFailed):
        run_check(REGISTRY[check], declared(target, "bad", *needs), with_fakes())


# --- null models ----------------------------------------------------------------------------------------------------


NOISED = {"pool", "half", "pool, noise 0.5", "half, noise 0.5"}
"""Images of the default's null models: every third sees noise."""


@pytest.mark.parametrize(
    ("nulls", "hosts", "groups"),
    [
        ("{}", {"convnet"}, NOISED),
        ("{data: owner}", {"convnet"}, {"owner"}),
        ("{hosts: [lenet5], noise: 0}", {"convnet", "lenet5"}, {"pool", "half"}),
        ("{data: owner, hosts: [resnet, lenet5]}", {"convnet", "lenet5", "resnet"}, {"owner"}),
    ],
)
def test_null_models_are_built_and_trained_as_the_plan_says(
    nulls: str, hosts: set[str], groups: set[str], catalog: Catalog, tmp_path: Path
) -> None:
    text = f"split: {{unseen: 0.1}}\nverdict: {{null_models: 6, nulls: {nulls}}}\n"
    plan = PLAN.replace("verdict: {null_models: 1, keys: 2}\n", "")
    (tmp_path / "plan.yaml").write_text(plan + text)
    session = prepare(tmp_path / "plan.yaml", tmp_path / "out", tmp_path / "store", "cpu", None, catalog)
    making, task = session.making, expand(session.plan)[0].task
    nodes = making.hosts.nulls(task)
    built = [making.hosts.built_as(task, node) for node in nodes]
    assert {one.host.id.rpartition("/")[2] for one in built} == hosts
    assert {node.about.get("images", "owner") for node in nodes} == groups
    unseen = images(making.tasks.splits(task.dataset).unseen.x)
    for node in nodes:
        shown = making.hosts._images(task, node.about["purpose"], node.about.get("images", "owner"))
        assert not images(shown.x) & unseen
