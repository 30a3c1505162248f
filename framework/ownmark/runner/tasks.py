"""The tasks of a plan: their data, and hosts that nobody has trained."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from ownmark.contracts.fit import Recipe
from ownmark.contracts.host import Host
from ownmark.contracts.returned import built
from ownmark.contracts.samples import Samples
from ownmark.contracts.tasks import Form, Goal, require_data
from ownmark.contracts.views import BlackBox, Task, black_box, seeded
from ownmark.errors import NotApplicable, blamed
from ownmark.methods import Kind
from ownmark.runner.cell import Spec, TaskSpec
from ownmark.runner.environment import upgrades
from ownmark.runner.plan import Plan
from ownmark.runner.resolve import Methods
from ownmark.runner.seeds import rng_for
from ownmark.runner.sources import source_digest
from ownmark.runner.splits import Splits, divide, task_of


class Tasks:
    """What a plan's tasks are made of."""

    def __init__(self, plan: Plan, methods: Methods, device: torch.device) -> None:
        self._plan, self._methods, self._device = plan, methods, device
        self._splits: dict[Spec, Splits] = {}
        self._data: dict[Spec, dict[str, Any]] = {}

    @cached_property
    def training(self) -> dict[str, Any]:
        """What every training depends on; found when it is first asked for, since callbacks are looked up."""
        return _training(self._plan)

    def splits(self, dataset: Spec) -> Splits:
        """The dataset, divided and on the device."""
        if dataset not in self._splits:
            images = self._methods.images(dataset)
            with blamed(f"dataset {dataset.label}", self._methods.get(Kind.DATASET, dataset).pack):
                parts = divide(images, self._plan.split)
            self._splits[dataset] = parts.to(self._device)
        return self._splits[dataset]

    def task(self, task: TaskSpec, scheme: Spec) -> Task:
        """What the owner wants learned, as the scheme is told."""
        needs = self._methods.get(Kind.SCHEME, scheme).needed
        return task_of(task.label, self.splits(task.dataset), needs, self.goal(task))

    def goal(self, task: TaskSpec) -> Goal:
        """What the task's networks are for."""
        return self.host(task).goal

    def host(self, task: TaskSpec) -> Host:
        """The host that the task's networks come from."""
        host: Host = self._methods.get(Kind.HOST, task.host).instance
        return host

    def questions(self, task: TaskSpec, test: Samples) -> Tensor:
        """What the task's networks are asked when they are judged on these test samples."""
        with blamed(f"host {task.host.label}", self._methods.get(Kind.HOST, task.host).pack):
            return self.host(task).questions(test, rng_for("questions")).to(self._device)

    def box(self, task: TaskSpec, network: nn.Module) -> BlackBox:
        """A network of the task as those see it who may only ask."""
        return black_box(network, goal=self.goal(task))

    def require_learnable(self, task: TaskSpec) -> None:
        """The task's host can learn from its data.

        Raises:
            NotApplicable: inputs of another form, no such labels, or what the host's own check says.
        """
        host, splits = self.host(task), self.splits(task.dataset)
        if splits.inputs.form is not host.takes:
            raise NotApplicable(f"the host takes {host.takes}, and the data are {splits.inputs.form}")
        require_data(host.goal, splits.owner)
        with blamed(f"host {task.host.label}", self._methods.get(Kind.HOST, task.host).pack):
            views = getattr(host.config, "recipe", Recipe()).augment
            host.check(splits.inputs, splits.shape, splits.classes)
        if host.takes is not Form.PIXELS and views != "none":
            raise NotApplicable(
                f"the recipe's `augment: {views}` is for pixels, and the data are {host.takes}"
            )

    def data_identity(self, dataset: Spec) -> dict[str, Any]:
        """What everything made from a dataset depends on."""
        if dataset not in self._data:
            method = self._methods.get(Kind.DATASET, dataset)
            with blamed(f"fingerprint of dataset {dataset.label}", method.pack):
                data = method.instance.fingerprint()
            self._data[dataset] = {
                "dataset": method.identity, "data": data, "split": self._plan.split.plain(),
            }  # fmt: skip
            if self._plan.recompute == "on-upgrade":
                self._data[dataset]["environment"] = upgrades(str(self._device))
        return self._data[dataset]

    def blank(self, task: TaskSpec, rng: torch.Generator | None = None) -> nn.Module:
        """A newly initialised host on the device."""
        splits = self.splits(task.dataset)
        method = self._methods.get(Kind.HOST, task.host)
        with blamed(f"host {task.host.label}", method.pack), seeded(rng or rng_for("blank")):
            return built(method.instance, splits.shape, splits.classes).to(self._device)


def _training(plan: Plan) -> dict[str, Any]:
    """What every training depends on: the loop, and the user's callbacks, which may well change a training."""
    callbacks = [
        {"callback": one.id, "params": one.params, "source": source_digest(one.id.partition(":")[0])}
        for one in plan.trainer.callbacks
    ]
    return {"training": {"loop": source_digest("ownmark.loops.fit"), "callbacks": callbacks}}
