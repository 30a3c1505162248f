"""Records: the result of one cell, as plain JSON."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from typing import Any

from ownmark.config import to_plain
from ownmark.methods import Declaration, Kind
from ownmark.runner.cell import Cell, Spec
from ownmark.runner.engine import Engine
from ownmark.runner.environment import differing, environment, version_of
from ownmark.runner.features import FeatureMaps
from ownmark.runner.fitting import Misfit
from ownmark.runner.graph import Node
from ownmark.runner.judging import Judging
from ownmark.runner.landscape import Landscapes
from ownmark.runner.making import Making
from ownmark.runner.measuring import interval
from ownmark.runner.plan import Removal
from ownmark.runner.reading import Reading
from ownmark.runner.seeds import rng_for
from ownmark.runner.splits import fingerprint, positions
from ownmark.runner.store import StoredEntry
from ownmark.runner.vanilla import Vanilla, above_vanilla
from ownmark.stats import RemovalCriterion, is_removed, rescaled_accuracy, rescaled_floor


class Recorder:
    """Assembles a cell's record from its finished stages."""

    def __init__(self, making: Making, reading: Reading, judging: Judging, plan_name: str) -> None:
        self._making = making
        self._reading = reading
        self._judging = judging
        self._vanilla = Vanilla(making, judging.nulls)
        self._landscapes = Landscapes(making, reading)
        self._features = FeatureMaps(making)
        self._plan = plan_name
        self._nodes: dict[Cell, dict[str, Node]] = {}

    def nodes(self, cell: Cell) -> dict[str, Node]:
        """The cell's stages, in the order they are computed."""
        if cell not in self._nodes:  # asked for by the graph, and again for the record
            self._nodes[cell] = self._stages(cell)
        return self._nodes[cell]

    def _stages(self, cell: Cell) -> dict[str, Node]:
        making, reading, judging = self._making, self._reading, self._judging
        unattacked = _unattacked(cell)
        stages = {"host": making.own_host(cell)}
        stages |= {f"null {i}": null for i, null in enumerate(making.hosts.nulls(cell.task))}
        stages |= {
            "marked": making.marked(cell),
            **{f"copy {i}": node for i, node in enumerate(making.others(cell), start=1)},
            "suspect": making.suspect(cell), "host utility": reading.host_utility(cell),
            "marked utility": reading.marked_utility(cell), "suspect utility": reading.suspect_utility(cell),
            "evidence": reading.evidence(cell), "threshold": judging.nulls.threshold(cell),
            "evidence before": reading.evidence(unattacked), "own nulls": judging.nulls.own_nulls(cell),
        }  # fmt: skip
        decoys = {"decoys before": judging.whose.decoys(unattacked), "decoys": judging.whose.decoys(cell)}
        stages |= {name: node for name, node in decoys.items() if node is not None}
        stages |= {"before": judging.judged(unattacked), "judged": judging.judged(cell)}
        return stages | self._vanilla.nodes(cell) | self._landscapes.nodes(cell) | self._features.nodes(cell)

    def record(self, cell: Cell, engine: Engine) -> dict[str, Any]:
        """Compute whatever is missing and put the record together."""
        nodes = self.nodes(cell)
        got = {name: engine.get(node) for name, node in nodes.items()}
        values = {name: entry.values for name, entry in got.items()}
        verdict = dict(values["judged"]["verdict"])
        evidence = {
            k: v
            for k, v in values["evidence"].items()
            if k not in ("bare", "measured", "cost", "queries", "controls", "samples")
        }
        verdict |= _rescaled(evidence["rate"], verdict["theta"])
        if "vanilla" in values and evidence["rate"] is not None:
            verdict |= above_vanilla(evidence["rate"], values["vanilla"]["maximum"])
        utility = self._utility(cell, values)
        verdict["nulls_were"] = self._judging.nulls.words(cell)
        verdict["key_bits"] = self._judging.whose.key_bits(cell)
        stages = ("marked", "suspect") if cell.attack else ("marked",)
        reached = {stage: one for stage in stages if (one := values[stage].get("reached"))}
        record = self.head(cell) | ({"reached": reached} if reached else {}) | {
            "status": "ok", "utility": utility, "metrics": values["judged"]["metrics"],
            "evidence": evidence, "evidence_bare": values["evidence"].get("bare"),
            "measured": _with_intervals(values["evidence"]["measured"]), "verdict": verdict,
            "removal": self._removal(cell, values, utility),
            "cost": _cost(values, cell.attack is not None) | _queries(values) | {
                "host_epoch": len(self._making.tasks.splits(cell.task.dataset).owner),
            },
            "exhibits": {
                name: value for stage in ("marked", "suspect") for name, value in values[stage]["exhibits"].items()
            } | values["evidence"].get("samples", {}),
        }  # fmt: skip
        for stage in ("landscape", "features"):
            if stage in values:
                record[stage] = {name: value for name, value in values[stage].items() if name != "cost"}
        record["provenance"] |= self._computed_in(got)
        return record

    def _computed_in(self, got: Mapping[str, StoredEntry]) -> dict[str, Any]:
        """Where the evidence was computed, which may have been long ago, and what of any stage differs from now."""
        now = environment(str(self._making.engine.device))
        differs = differing(now, {name: entry.environment for name, entry in got.items()})
        past = {name: value for name, value in got["evidence"].environment.items() if name in now}
        return {**past, **({"differs": {"now": now, **differs}} if differs else {})}

    def described(self, cell: Cell) -> dict[str, Any]:
        """A cell as records and plan.json name it."""
        attack = cell.attack.describe() if cell.attack else {"id": "none", "label": "none", "params": {}}
        extractor = self._making.methods.extractor_of(cell.scheme, cell.extractor).declaration
        label = cell.extractor.label if cell.extractor else extractor.id
        return {
            "task": cell.task.label, "dataset": cell.task.dataset.describe(), "host": cell.task.host.describe(),
            "scheme": cell.scheme.describe(), "attack": attack, "seed": cell.seed,
            "extractor": {
                "id": extractor.id, "label": label, "default": cell.extractor is None,
                "params": cell.extractor.parameters if cell.extractor else {},
            },
        }  # fmt: skip

    def head(self, cell: Cell) -> dict[str, Any]:
        """What is known of a cell before anything runs."""
        return {
            "id": cell.id, "plan": self._plan, "cell": self.described(cell), "granted": self._granted(cell),
            "notes": self.notes(cell),
            "reported": self._reported(cell), "provenance": self._provenance(cell),
        }  # fmt: skip

    def notes(self, cell: Cell) -> list[str]:
        """What is odd about the data that the cell is made from."""
        used = [cell.task.dataset, *([self._making.transfer] if self._making.transfer else [])]
        return [
            f"dataset {spec.label}: {note}"
            for spec in used
            for note in self._making.methods.images(spec).notes
        ]

    def failed(self, cell: Cell, error: Exception) -> dict[str, Any]:
        """The record of a cell that failed."""
        trace = getattr(error, "ownmark_trace", None) or "".join(traceback.format_exception(error))
        described = {
            "type": getattr(error, "ownmark_type", type(error).__name__), "message": str(error), "traceback": trace,
            "stage": getattr(error, "ownmark_stage", "plan"),
        }  # fmt: skip
        return self.head(cell) | {"status": "failed", "error": described}

    def impossible(self, cell: Cell, misfit: Misfit) -> dict[str, Any]:
        """The record of a cell that cannot be."""
        return self.head(cell) | {"status": "n/a", "reason": misfit.described()}

    def _utility(self, cell: Cell, values: Mapping[str, Any]) -> dict[str, Any]:
        suspect = values["suspect utility"]
        return {
            "metric": self._reading.utility_metric(cell.task).declaration.id,
            "higher_is_better": suspect["higher_is_better"],
            "host": values["host utility"]["value"], "marked": values["marked utility"]["value"],
            "suspect": suspect["value"], "n": suspect.get("n"), "interval": suspect.get("interval"),
        }  # fmt: skip

    def _removal(self, cell: Cell, values: Mapping[str, Any], utility: Mapping[str, Any]) -> dict[str, Any]:
        rule: Removal = self._making.plan.removal
        before, after = values["before"]["verdict"]["claim"], values["judged"]["verdict"]["claim"]
        better, worth = bool(utility["higher_is_better"]), (utility["host"], utility["marked"])
        worthless = None in worth or (better and 0 in worth)  # nothing was there to survive
        survives = values["suspect utility"]["answers"] and not worthless
        survives = survives and RemovalCriterion(rule.kind, rule.amount).utility_survives(
            utility["marked"], utility["suspect"], better
        )
        readable = "unreadable" not in values["evidence"]
        outcome = str(is_removed(before, after, survives, readable))
        if cell.attack is None:
            outcome = "undecided" if before is None else "unattacked" if before else "never-marked"
        return {"outcome": outcome, "utility_survives": survives, "criterion": to_plain(rule)}

    def _granted(self, cell: Cell) -> dict[str, Any] | None:
        if cell.attack is None:
            return None
        splits, given = self._making.tasks.splits(cell.task.dataset), self._making.given(cell)
        held = positions(splits, given, rng_for("granted", cell.seed))
        count = len(held)
        return {"data": count, "labels": given.labels and count > 0, "transfer": given.transfer,
                "source": given.source, "access": given.access, "queries": given.queries,
                "copies": given.copies,
                **({"positions": fingerprint(held)} if count else {})}  # fmt: skip

    def _reported(self, cell: Cell) -> list[dict[str, Any]]:
        """The figures that papers print for this cell, from the declarations of scheme and attack.

        Those for the attack's name here, `unified(alpha=0.5)`, go before those for its id, which are for its default
        among a sweep's points. Papers read with the scheme's own extractor.
        """
        own = self._making.methods.extractor_of(cell.scheme, None).declaration
        if cell.extractor is not None:
            reads = self._making.methods.catalog.find(Kind.EXTRACTOR, cell.extractor.id)
            if (reads.distribution, reads.id) != (own.distribution, own.id):
                return []
        catalog = self._making.methods.catalog
        specs = {
            "dataset": cell.task.dataset,
            "host": cell.task.host,
            "scheme": cell.scheme,
            "attack": cell.attack,
        }
        used = {
            field: catalog.find(Kind(field), spec.id) for field, spec in specs.items() if spec is not None
        }
        ids = {"attack": "", **{field: declaration.id for field, declaration in used.items()}}
        label = cell.attack.label if cell.attack else ""
        named = (
            {label}
            if cell.attack and _is_off_default(cell.attack, used["attack"])
            else {label, ids["attack"]}
        )
        everywhere = self._making.plan.figures == "all"
        found = []
        for declaration in (used[field] for field in ("scheme", "attack") if field in used):
            for figure in declaration.reported:
                given = {field: getattr(figure, field) for field in ids}
                given[str(declaration.kind)] = given[str(declaration.kind)] or declaration.id
                same_task = given["dataset"] == ids["dataset"] and given["host"] in ("", ids["host"])
                fits = (everywhere or same_task) and given["scheme"] in ("", ids["scheme"])
                if fits and given["attack"] in named:
                    found.append(
                        {"value": figure.value, "metric": figure.metric, "where": figure.where, **given}
                    )
        exact = {one["metric"] for one in found if one["attack"] != ids["attack"]}
        return [one for one in found if one["attack"] != ids["attack"] or one["metric"] not in exact]

    def _provenance(self, cell: Cell) -> dict[str, Any]:
        methods = self._making.methods
        used = {
            "dataset": methods.get(Kind.DATASET, cell.task.dataset), "host": methods.get(Kind.HOST, cell.task.host),
            "scheme": methods.get(Kind.SCHEME, cell.scheme),
            "extractor": methods.extractor_of(cell.scheme, cell.extractor),
        }  # fmt: skip
        if cell.attack:
            used["attack"] = methods.get(Kind.ATTACK, cell.attack)
        packs = {name: methods.catalog.version(name) or version_of(name)
                 for name in (one.declaration.distribution for one in used.values())}  # fmt: skip
        sources = {
            role: f"{one.declaration.name} {packs[one.declaration.distribution]} {one.identity['source'][:12]}"
            for role, one in used.items()
        }
        return environment(str(self._making.engine.device)) | {"methods": sources, "packs": packs}


def _is_off_default(spec: Spec, declaration: Declaration) -> bool:
    """Whether an entry is a point of a sweep at which a swept parameter is not the method's default."""
    swept = re.findall(r"(\w+)=", spec.label.rpartition("(")[2])
    fields = getattr(declaration.load_config(), "__pydantic_fields__", {})
    return any(
        name in fields and spec.parameters.get(name) != fields[name].get_default(call_default_factory=True)
        for name in swept
    )


def _unattacked(cell: Cell) -> Cell:
    return Cell(cell.task, cell.scheme, None, cell.extractor, cell.seed, cell.given)


def _queries(values: Mapping[str, Any]) -> dict[str, int]:
    """Images that reading the suspect took: for the owner's key, for decoys, and clean ones."""
    controls = values["evidence"].get("controls")
    return {
        "queries": values["evidence"]["queries"], "decoy_queries": values.get("decoys", {}).get("queries", 0),
        "clean_queries": controls["n"] if controls else 0,
    }  # fmt: skip


def _with_intervals(rates: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {**rate, "value": rate["hits"] / rate["n"] if rate["n"] else None,
               "interval": interval(rate["hits"], rate["n"])}
        for name, rate in rates.items()
    }  # fmt: skip


def _rescaled(rate: float | None, theta: float) -> dict[str, float | None]:
    """MIRA's rescaled accuracy with its floor; undefined where no number of matches makes a claim, or none was read."""
    if theta > 1 or rate is None:
        return {"rescaled": None, "rescaled_floor": None}
    return {"rescaled": rescaled_accuracy(rate, theta), "rescaled_floor": rescaled_floor(theta)}


def _cost(values: Mapping[str, Any], attacked: bool) -> dict[str, Any]:
    """Seconds per stage as they were when it was computed, and the samples that were trained on."""
    times = {name: entry["cost"]["seconds"] for name, entry in values.items()}
    nulls = sum(seconds for name, seconds in times.items() if name.startswith("null "))
    seconds = {
        name: took for name, took in times.items() if not name.startswith("null ") and name != "suspect"
    }
    retries = sum(entry["cost"].get("retries", 0) for entry in values.values())
    seconds |= {"nulls": nulls} | ({"attacked": times["suspect"]} if attacked else {})
    return {
        "seconds": {name: round(took, 4) for name, took in seconds.items()},
        **({"retries": retries} if retries else {}),
        "samples_seen": values["suspect"]["cost"]["samples_seen"] if attacked else 0,
        "samples_embedding": values["marked"]["cost"]["samples_seen"],
        "attack_queries": values["suspect"].get("asked", 0) if attacked else 0,
    }
