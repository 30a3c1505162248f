"""The plan as a whole."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from ownmark.config import configuration
from ownmark.runner.plan.entry import CELLS, ENTRIES, SEEDS, Entry, TaskEntry, listed
from ownmark.runner.plan.grant import Given
from ownmark.runner.plan.rules import Features, Landscape, Removal, Seed, Split, TrainerOptions, VerdictRule

LONGEST = 100
"""Characters of a plan's name, at most."""


def _points(entries: Iterable[Entry]) -> int:
    return sum(entry.points for entry in entries)


def task_problem(tasks: Any, datasets: Any, hosts: Any) -> str | None:
    """What is wrong with these three sections together."""
    if bool(datasets) != bool(hosts):
        return "`datasets` and `hosts` go together: each dataset is tried with each host"
    if not tasks and not datasets:
        return "no task: give `tasks: [{dataset: ..., host: ...}]`, or `datasets` and `hosts`"
    return None


METRICS = (Entry(id="ownmark/agreement"), Entry(id="ownmark/relative_weight_distance"))
"""Of a plan that names none."""


@configuration
class Plan:
    """A grid: tasks x schemes x attacks x extractors x seeds."""

    name: str = Field(default="plan", pattern=r"^[A-Za-z0-9](\.?[A-Za-z0-9_-])*$", max_length=LONGEST)
    """Name of the run's folder inside `runs`; by default the file's."""
    about: str = ""
    """What the plan is for; printed above the report."""
    tasks: Annotated[tuple[TaskEntry, ...], BeforeValidator(listed), Field(max_length=ENTRIES)] = ()
    """Pairs of dataset and host."""
    datasets: Annotated[tuple[Entry, ...], BeforeValidator(listed), Field(max_length=ENTRIES)] = ()
    """With `hosts`: every dataset with every host, as further tasks."""
    hosts: Annotated[tuple[Entry, ...], BeforeValidator(listed), Field(max_length=ENTRIES)] = ()
    """See `datasets`."""
    schemes: Annotated[tuple[Entry, ...], BeforeValidator(listed), Field(min_length=1, max_length=ENTRIES)]
    """What marks the hosts."""
    attacks: Annotated[
        tuple[Entry, ...], BeforeValidator(listed), Field(min_length=1, max_length=ENTRIES)
    ] = (Entry(id="none"),)
    """What is done to the marked networks; `none` leaves them alone."""
    extractors: Annotated[
        tuple[Entry, ...], BeforeValidator(listed), Field(min_length=1, max_length=ENTRIES)
    ] = (Entry(id="default"),)
    """What reads the suspects; `default` is each scheme's own."""
    seeds: Annotated[tuple[Seed, ...], BeforeValidator(listed), Field(min_length=1, max_length=SEEDS)] = (0,)
    """Repetitions; more than one gives intervals."""
    attacker: Given = Field(default_factory=Given)
    """What the attackers are given."""
    transfer: Entry | None = None
    """The dataset that unlabelled transfer images are taken from."""
    split: Split = Field(default_factory=Split)
    """Owner and attacker."""
    verdict: VerdictRule = Field(default_factory=VerdictRule)
    """Error rate and null models."""
    removal: Removal = Field(default_factory=Removal)
    """When an attack counts."""
    metrics: Annotated[tuple[Entry, ...], BeforeValidator(listed), Field(max_length=ENTRIES)] = METRICS
    """Beside utility and evidence, which every record has."""
    recompute: Literal["never", "on-upgrade"] = "never"
    """Stages computed with another Python, torch, numpy, Lightning or kind of device: taken from the store and named in
    the record, or computed anew."""
    landscape: Landscape | None = None
    """The vicinity of each scheme's marked network, drawn in the report; `{}` takes the defaults. First seed alone."""
    controls: dict[str, str] = Field(default_factory=dict)
    """Attack -> another of the plan's that has the same budget and does less (fine-tuning alone). The report sets each
    pair side by side, and AvgDrop leaves controls out."""
    features: Features | None = None
    """Hidden features of the marked networks, drawn in the report; `{}` takes the defaults. First seed alone."""
    figures: Literal["same-task", "all"] = "same-task"
    """Which figures of papers stand beside ours: those for the same dataset and host, or all; reports say for which."""
    trainer: TrainerOptions = Field(default_factory=TrainerOptions)
    """The user's Lightning callbacks and logger."""
    requires: Annotated[tuple[str, ...], BeforeValidator(listed), Field(max_length=ENTRIES)] = ()
    """Distributions that the plan was written for, as pip names them: `acme-marks>=0.2`."""

    @model_validator(mode="after")
    def _has_tasks(self) -> Plan:
        problem = task_problem(self.tasks, self.datasets, self.hosts)
        if problem:
            raise ValueError(problem)
        return self

    @model_validator(mode="after")
    def _can_be_run(self) -> Plan:
        if self.cells > CELLS:
            raise ValueError(f"a grid of up to {self.cells:,} cells; at most {CELLS:,}, so split the plan")
        return self

    @property
    def cells(self) -> int:
        """Cells, at most: attacks that are `for` some schemes count as if they were for all."""
        pairs = sum(one.dataset.points * one.host.points for one in self.tasks)
        pairs += _points(self.datasets) * _points(self.hosts)
        sections = map(_points, (self.schemes, self.attacks, self.extractors))
        return pairs * math.prod(sections) * len(self.seeds)

    def all_tasks(self) -> tuple[TaskEntry, ...]:
        """`tasks`, then every pair of `datasets` and `hosts`."""
        pairs = (TaskEntry(dataset=dataset, host=host) for dataset in self.datasets for host in self.hosts)
        return (*self.tasks, *pairs)
