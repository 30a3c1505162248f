"""Plans: what a YAML file may say, and the reading of it. Everything is checked before anything is trained."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, model_validator

from ownmark.config import Positive, configuration, to_plain
from ownmark.errors import PlanError
from ownmark.runner.yamlfile import Document, parse, read

POINTS, SEEDS, ENTRIES, CELLS = 10_000, 1_000, 1_000, 100_000
"""At most: points of a sweep, seeds, entries of a list, cells of a plan. More is refused before it is laid out."""
LEAST_RATE = 1e-12
"""Below it, no statement about networks and pictures is that sure."""
Seed = Annotated[int, Field(ge=-(2**63), lt=2**64)]
_ENTRY_KEYS = {"as", "sweep", "given", "for"}


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str | int | dict) else value


@configuration
class Entry:
    """One method of a plan's list: `uchida`, `{uchida: {bits: 64}}`, with `as: label` or `sweep: {alpha: [0, 1]}`."""

    id: str
    """Id of the method, or `pack/id`."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Its parameters."""
    label: str = ""
    """Name in the report (`as:`)."""
    sweep: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(default_factory=dict)
    """One entry for every combination of these parameter values."""
    given: dict[str, Any] = Field(default_factory=dict)
    """Attacks: what this attacker is given, where it differs from the plan's `attacker`."""
    schemes: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """What it is tried on (`for:`), by id or name: an attack's schemes; a scheme's tasks, by dataset, host or both
    (`digits/convnet`). Without any, all."""

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"id": value}
        fields = value.kwargs if hasattr(value, "kwargs") else value
        if not isinstance(fields, dict) or "id" in fields:
            return value
        names = [name for name in fields if name not in _ENTRY_KEYS]
        if len(names) != 1:
            raise ValueError(
                f"expected one method and at most {sorted(_ENTRY_KEYS)} beside it, found {sorted(map(str, names))}"
            )
        params = fields[names[0]]
        entry: dict[str, Any] = {"id": names[0], "params": {} if params is None else params}
        entry |= {name: fields[name] for name in ("sweep", "given") if name in fields}
        entry |= {"schemes": fields["for"]} if "for" in fields else {}
        return entry | ({"label": fields["as"]} if "as" in fields else {})

    @model_validator(mode="after")
    def _is_finite(self) -> Entry:
        if self.points > POINTS:
            raise ValueError(f"a sweep of {self.points:,} points; at most {POINTS:,}")
        return self

    @property
    def points(self) -> int:
        """Methods that the entry stands for."""
        return math.prod(map(len, self.sweep.values()))

    def meant_for(self, names: Collection[str]) -> bool:
        """Whether it is tried on the scheme or task that has these names."""
        return not self.schemes or not set(self.schemes).isdisjoint(names)


@configuration
class TaskEntry:
    """A dataset and the host that is trained on it."""

    dataset: Entry
    """Where the images come from."""
    host: Entry
    """The network and its recipe."""


def _amount(value: Any) -> Any:
    """A number of images, a fraction, or a word."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    whole = isinstance(value, int) and 0 <= value <= 10**9
    if value in ("none", "all") or (number and (whole or (isinstance(value, float) and 0 < value <= 1))):
        return value
    raise ValueError(
        f"expected a number of images, a fraction up to 1.0, `all` or `none`, found {value!r:.60}"
    )


PROTOCOLS: dict[str, dict[str, Any]] = {
    "app": {"data": "all", "labels": True, "source": "disjoint"},
    "mira-in-distribution": {"data": 1000, "labels": True, "source": "owner"},
    "mira-transfer": {"data": "none", "labels": False, "transfer": 2000},
    "mira-data-free": {"data": "none", "labels": False},
    "laundering-0.6": {"data": 0.006, "labels": True},
    "laundering-10.8": {"data": 0.108, "labels": True},
}
"""Grants of the papers by name: APP's 20 % that the owner never saw; MIRA's three; the laundering paper's shares."""
RESERVES = {"app": 0.2}
"""Protocols that say how the training images are divided: the share that the owner never sees."""


@configuration
class Given:
    """The threat model: what an attacker holds, the stolen network included."""

    protocol: Literal[
        "",
        "app",
        "mira-in-distribution",
        "mira-transfer",
        "mira-data-free",
        "laundering-0.6",
        "laundering-10.8",
    ] = ""
    """A paper's grant by name, which sets the fields below; a plan may not contradict it."""
    data: Annotated[int | float | Literal["none", "all"], BeforeValidator(_amount)] = "all"
    """In-distribution images: a number, a fraction of the training set, `all` of the attacker's pool, or `none`."""
    labels: bool = True
    """Whether the true labels come with them."""
    source: Literal["disjoint", "owner"] = "disjoint"
    """Drawn from images that the owner never trained on (APP), or from the owner's training data (MIRA, PST)."""
    transfer: int = Field(default=0, ge=0, le=10**9)
    """Unlabelled images of the plan's `transfer` dataset."""
    access: Literal["weights", "scores", "labels"] = "weights"
    """The marked network itself, or only its answers to queries: class probabilities, or labels. An attack that works
    by queries is given scores where the plan grants weights."""
    queries: int | None = Field(default=None, ge=1, le=10**12)
    """Images that an attacker without the weights may ask about, at most; none: no limit."""
    copies: int = Field(default=1, ge=1, le=100)
    """Marked copies of the host, each with a key of its own, for attacks in which thieves collude."""

    @model_validator(mode="before")
    @classmethod
    def _as_named(cls, value: Any) -> Any:
        """`app` and `{protocol: app}` stand for the grant of that name.

        Raises:
            ValueError: a field says otherwise.
        """
        fields = value.kwargs if hasattr(value, "kwargs") else value
        fields = {"protocol": fields} if isinstance(fields, str) else fields
        if not isinstance(fields, dict):
            return value
        named = PROTOCOLS.get(str(fields.get("protocol")), {})
        for name in sorted(set(named) & set(fields)):
            if fields[name] != named[name]:
                raise ValueError(
                    f"protocol {fields['protocol']} grants {name}: {named[name]}, not {fields[name]!r:.40}; "
                    "leave one of them out"
                )
        return {**named, **fields}


@configuration
class Split:
    """How the training images are divided."""

    reserve: float = Field(default=0.2, ge=0, lt=1)
    """Share of the training images that the owner never sees; the attacker's pool (APP: 0.2)."""
    unseen: float = Field(default=0, ge=0, lt=1)
    """Share that the owner keeps from hosts and null models, for schemes that ask for such images."""
    seed: Seed = 0
    """Of the division, the same for all cells of a plan."""

    @model_validator(mode="after")
    def _leaves_something(self) -> Split:
        if self.reserve + self.unseen >= 1:
            raise ValueError(
                f"`reserve` {self.reserve:g} and `unseen` {self.unseen:g} leave no images to train on; lower one"
            )
        return self

    def plain(self) -> dict[str, Any]:
        """For files and digests; `unseen` stands there only if it is used, as older files do not know it."""
        said: dict[str, Any] = to_plain(self)
        return said if self.unseen else {name: value for name, value in said.items() if name != "unseen"}


@configuration
class Nulls:
    """What null models, and the networks of an audit, are trained on and built like."""

    data: Literal["disjoint", "owner"] = "disjoint"
    """`disjoint`: every other one on images the owner never had (the attacker's pool, where it is a tenth of the
    owner's), the rest on a half of the owner's, each on another; `owner`: all on the very images of the owner."""
    noise: float = Field(default=0.5, ge=0, le=10)
    """Every third of them sees its images with noise of so many of their standard deviations: innocents have other
    recipes as well. 0, and `data: owner`: none does."""
    hosts: Annotated[tuple[Entry, ...], BeforeValidator(_listed)] = ()
    """Other hosts for every third of them, in turn. Marks in weights are read from the task's own host alone."""


@configuration
class VerdictRule:
    """When ownership is claimed."""

    rate: float = Field(default=0.05, ge=LEAST_RATE, lt=0.5)
    """Stated false-positive rate."""
    null_models: int = Field(default=8, ge=1, le=1000)
    """Independently trained unmarked hosts behind the threshold; shared by all schemes of a task."""
    keys: int = Field(default=20, ge=1, le=10_000)
    """Fresh keys read from each of them."""
    nulls: Nulls = Field(default_factory=Nulls)
    """What they are trained on; innocents have other data than the owner."""
    tests: Literal["both", "nulls", "decoys"] = "both"
    """`nulls` ask whether the suspect is marked at all, `decoys` (fresh keys read on the suspect itself) whether the
    mark is this owner's; a claim needs `both` where both can be had."""
    decoys: int | None = Field(default=None, ge=1, le=1_000_000)
    """Fresh keys read on each suspect; None takes five times as many as `rate` needs (999 at rates below 1e-4), and 999
    of marks in weights that are read in batches."""
    every_epoch: int = Field(default=0, ge=0, le=1000)
    """So many of the null models are trained once more and read after every epoch: the highest rate is the
    laundering paper's threshold, which records show beside ours. 0 leaves it out."""


@configuration
class Removal:
    """When an attack counts as a removal: ownership can no longer be claimed *and* utility survives."""

    kind: Literal["relative", "absolute"] = "relative"
    """`relative`: a share of the marked network's utility (MIRA); `absolute`: points lost (SoK)."""
    amount: Positive = 0.9
    """0.9 of the utility for `relative`, 0.05 for `absolute` five points."""

    @model_validator(mode="after")
    def _is_a_share(self) -> Removal:
        if self.kind == "relative" and self.amount > 1:
            raise ValueError(
                f"a relative `amount` is a share of the utility, at most 1; found {self.amount:g}"
            )
        return self


@configuration
class Landscape:
    """The vicinity of each marked network in the plane of two directions (APP paper, Figures 1 and 9, Eq. 7)."""

    points: int = Field(default=9, ge=2, le=101)
    """Points on each axis."""
    adversarial: float = Field(default=0.06, gt=0, le=10)
    """How far the axis that raises the triggers' loss most reaches, relative to the weights' length; a random direction
    for keys without triggers."""
    finetuning: float = Field(default=0.3, gt=0, le=10)
    """How far the axis towards a fine-tuned network reaches."""
    steps: int = Field(default=40, ge=1, le=10_000)
    """Steps of that fine-tuning, about: whole epochs (appendix A: 40)."""
    lr: float = Field(default=0.05, gt=0, le=1000)
    """Its learning rate (appendix A)."""
    images: int = Field(default=1000, ge=1, le=10**6)
    """Test images, and images that BatchNorm's statistics are measured on, at every point."""


@configuration
class Features:
    """Hidden features of each marked network in a plane, by t-SNE (APP paper, Figure 7)."""

    images: int = Field(default=500, ge=2, le=20_000)
    """Clean test images."""
    triggers: int = Field(default=100, ge=0, le=20_000)
    """The key's triggers, at most; keys without any show clean images alone."""
    perplexity: float = Field(default=30.0, gt=0, le=1000)
    """t-SNE's perplexity (scikit-learn's default); lowered to a third of the points where these are few."""
    attacked: bool = False
    """Show each suspect too, not the marked networks alone."""


@configuration
class TrainerOptions:
    """The user's own Lightning objects, each `{package.module:Class: {arguments}}`."""

    callbacks: Annotated[tuple[Entry, ...], BeforeValidator(_listed)] = ()
    """Lightning callbacks that watch every training."""
    logger: Entry | None = None
    """A Lightning logger."""


LONGEST = 100
"""Characters of a plan's name, at most."""


def _points(entries: Iterable[Entry]) -> int:
    return sum(entry.points for entry in entries)


def _task_problem(tasks: Any, datasets: Any, hosts: Any) -> str | None:
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
    tasks: Annotated[tuple[TaskEntry, ...], BeforeValidator(_listed), Field(max_length=ENTRIES)] = ()
    """Pairs of dataset and host."""
    datasets: Annotated[tuple[Entry, ...], BeforeValidator(_listed), Field(max_length=ENTRIES)] = ()
    """With `hosts`: every dataset with every host, as further tasks."""
    hosts: Annotated[tuple[Entry, ...], BeforeValidator(_listed), Field(max_length=ENTRIES)] = ()
    """See `datasets`."""
    schemes: Annotated[tuple[Entry, ...], BeforeValidator(_listed), Field(min_length=1, max_length=ENTRIES)]
    """What marks the hosts."""
    attacks: Annotated[tuple[Entry, ...], BeforeValidator(_listed), Field(max_length=ENTRIES)] = (
        Entry(id="none"),
    )
    """What is done to the marked networks; `none` leaves them alone."""
    extractors: Annotated[tuple[Entry, ...], BeforeValidator(_listed), Field(max_length=ENTRIES)] = (
        Entry(id="default"),
    )
    """What reads the suspects; `default` is each scheme's own."""
    seeds: Annotated[tuple[Seed, ...], BeforeValidator(_listed), Field(min_length=1, max_length=SEEDS)] = (0,)
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
    metrics: Annotated[tuple[Entry, ...], BeforeValidator(_listed), Field(max_length=ENTRIES)] = METRICS
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
    requires: Annotated[tuple[str, ...], BeforeValidator(_listed), Field(max_length=ENTRIES)] = ()
    """Distributions that the plan was written for, as pip names them: `acme-marks>=0.2`."""

    @model_validator(mode="after")
    def _has_tasks(self) -> Plan:
        problem = _task_problem(self.tasks, self.datasets, self.hosts)
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


def plan_from(document: Document) -> Plan:
    """Check the structure of a parsed plan.

    Raises:
        PlanError: every problem found, each with file and line.
    """
    if not isinstance(document.data, dict):
        raise PlanError(
            [f"{document.name}:1: a plan is a mapping with `tasks` and `schemes`, see `ownmark list plans`"]
        )
    try:
        return TypeAdapter(Plan).validate_python({"name": _default_name(document), **document.data})
    except ValidationError as error:
        items = error.errors()
        problem = _task_problem(*(document.data.get(field) for field in ("tasks", "datasets", "hosts")))
        if problem and all(item["loc"] for item in items):  # fields are wrong, so `_has_tasks` was not asked
            items.append({"type": "value_error", "loc": (), "msg": problem, "input": None})
        items.sort(key=lambda item: document.line(_path(item)))
        raise PlanError([_sentence(document, item) for item in items]) from error


def _default_name(document: Document) -> str:
    """The file's name, so that two plans without a name do not share a run folder."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", Path(document.name).stem).lstrip("-_.")
    return re.sub(r"\.{2,}", ".", name)[:LONGEST].rstrip(".") or "plan"


def read_plan(source: str | Path) -> tuple[Plan, Document]:
    """Read and check a plan file."""
    document = read(Path(source))
    return plan_from(document), document


def parse_plan(text: str, name: str = "plan.yaml") -> tuple[Plan, Document]:
    """Check a plan given as text."""
    document = parse(text, name)
    return plan_from(document), document


def _path(item: Any) -> list[str | int]:
    """Where an error stands, without the steps that only pydantic sees."""
    return [part for part in item["loc"] if not _is_tag(part)]


def _is_tag(part: str | int) -> bool:
    return isinstance(part, str) and (part.endswith("]") or part in {"Entry", "dataclass-args"})


_EXPECTED = {
    "Entry": "expected a method: its id, or `{id: parameters}`",
    "TaskEntry": "expected `{dataset: ..., host: ...}`",
}


def _sentence(document: Document, item: Any) -> str:
    path = _path(item)
    return f"{document.where(path)}: {'.'.join(map(str, path)) or 'plan'}: {_message(item, _home(path[:-1]))}"


def given(plan: Plan, entry: Entry) -> Given:
    """What the attacker of an entry is given: the plan's `attacker` with the entry's changes.

    Raises:
        PlanError: the changes are no threat model.
    """
    try:
        return TypeAdapter(Given).validate_python(_changed(to_plain(plan.attacker), entry.given))
    except ValidationError as error:
        found = [
            f"given.{'.'.join(map(str, _path(item)))}: {_message(item, Given)}" for item in error.errors()
        ]
        raise PlanError(found) from error


def _changed(given: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A grant with an entry's changes: one that differs from a protocol is no longer of that name."""
    if "protocol" in changes:
        return changes
    return {**given, **({"protocol": ""} if changes else {}), **changes}


def _message(item: Any, home: type) -> str:
    """What is wrong, in words; `home` is the class whose field it is."""
    message: str = item["msg"].removeprefix("Value error, ")
    if item["type"] == "unexpected_keyword_argument":
        message = f"unknown field{_nearest(str(item['loc'][-1]), home)}"
    elif item["type"] == "missing":
        message = "is missing"
    elif item["type"] == "dataclass_type":
        name = item["ctx"]["class_name"]
        message = _EXPECTED.get(name, "expected a mapping") + f", found {item['input']!r:.60}"
    elif item["type"] != "value_error":
        message = message.replace("Input should be", "expected").replace("dictionary", "mapping")
        message += f", found {item['input']!r:.60}"
    if item["loc"] == ("name",):
        message += (
            f"; it names a folder inside runs: up to {LONGEST} letters, digits, `_`, `-` and single `.`, and begins "
            "with a letter or digit"
        )
    return message


_HOMES: dict[str, type] = {
    "attacker": Given, "split": Split, "verdict": VerdictRule, "removal": Removal, "trainer": TrainerOptions,
    "landscape": Landscape, "features": Features,
}  # fmt: skip


def _home(path: list[str | int]) -> type:
    """The class whose fields may stand at `path`."""
    if not path:
        return Plan
    if path[0] == "tasks" and len(path) == 2:
        return TaskEntry
    if path[:2] == ["verdict", "nulls"] and len(path) == 2:
        return Nulls
    return _HOMES[str(path[0])] if len(path) == 1 and path[0] in _HOMES else Entry


_WRITTEN = {"label": "as", "schemes": "for"}
"""Fields of an entry, as a plan writes them."""


def _nearest(name: str, home: type) -> str:
    fields = getattr(home, "__dataclass_fields__", {})
    known = [_WRITTEN.get(field, field) if home is Entry else field for field in fields]
    close = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
