"""The audit: how often do a plan's thresholds claim networks that carry no mark?

A threshold is set on null models. The audit trains others, held out from it, reads fresh keys from them, ranks each
among decoys, and counts the claims. What comes out is the achieved rate, to be held against the stated one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ownmark.contracts.evidence import Evidence
from ownmark.discovery import Catalog
from ownmark.errors import OwnmarkError
from ownmark.runner.cell import Cell, expand
from ownmark.runner.engine import Progress
from ownmark.runner.graph import Bench, Node
from ownmark.runner.session import Session, prepare
from ownmark.runner.store import Contents
from ownmark.runner.verdict import Basis, verdict
from ownmark.stats import Interval, Threshold, claim_rate, rank_among

AUDIT_VERSION = 2


@dataclass(frozen=True)
class Audited:
    """The achieved false-positive rate of one scheme on one task.

    Args:
        stated: rate in the plan. theta, rule: the threshold and how it was set, on `null_models` networks.
        rate, interval: share of (held-out network, fresh key) pairs claimed, with its 95 % interval over networks.
        models, keys: held-out networks, keys read from each. worst_key: the share of networks that one key claims.
        by_nulls, by_decoys: the share that either test alone would claim; None without decoys.
        seed: whose embedded key was read, and whose threshold holds; None where fresh keys were.
    """

    task: str
    scheme: str
    extractor: str
    stated: float
    theta: float
    rule: str
    null_models: int
    models: int
    keys: int
    rate: float
    interval: Interval
    worst_key: float
    by_nulls: float
    by_decoys: float | None
    seed: int | None

    @property
    def exceeded(self) -> bool:
        """Whether the achieved rate lies above the stated one beyond its interval."""
        return self.interval.low > self.stated


def audit(
    plan: str | Path,
    *,
    held_out: int = 20,
    keys: int = 20,
    out: Path | None = None,
    store: Path | None = None,
    device: str = "auto",
    progress: Progress | None = None,
    catalog: Catalog | None = None,
) -> tuple[Audited, ...]:
    """Audit every scheme and extractor of a plan on every task; attacks are left out.

    Args:
        held_out: networks trained for the audit alone, shared by all schemes of a task.
        keys: fresh keys read from each. Schemes whose key is born in embedding have a row for every seed of the plan
            instead, since each key has a threshold of its own.
        Others as for `ownmark.runner.run`.
    """
    if held_out < 1 or keys < 1:
        raise OwnmarkError(f"an audit needs networks and keys: {held_out} held out, {keys} keys")
    session = prepare(plan, out, store, device, progress, catalog)
    session.folder.mkdir(parents=True, exist_ok=True)
    cells = list(_unattacked(session))
    nodes = [_node(session, cell, held_out, keys) for cell in cells]
    hosts = {host.digest: host for cell in cells for host in _held_out(session, cell, held_out)}
    missing = {n.digest: n.stage for n in (*hosts.values(), *nodes) if not session.engine.done(n)}
    session.progress.plan(missing, len(cells))
    return tuple(_row(session, cell, node) for cell, node in zip(cells, nodes, strict=True))


def _unattacked(session: Session) -> Iterator[Cell]:
    seen = set()
    for cell in session.making.misfits.possible(expand(session.plan)):
        seed = cell.seed if session.judging.nulls.reads_own_key(cell) else session.plan.seeds[0]
        bare = Cell(cell.task, cell.scheme, None, cell.extractor, seed, session.plan.attacker)
        if bare not in seen:
            seen.add(bare)
            yield bare


def _held_out(session: Session, cell: Cell, count: int) -> list[Node]:
    return session.judging.nulls.readable(cell, session.making.hosts.innocents(cell.task, "audit", count))


def _node(session: Session, cell: Cell, held_out: int, keys: int) -> Node:
    judging = session.judging
    threshold, hosts = judging.nulls.threshold(cell), _held_out(session, cell, held_out)
    decoys = judging.whose.decoy_count(cell) if judging.whose.decoys(cell) is not None else 0
    about = {
        "threshold": threshold.digest, "held out": [host.digest for host in hosts], "keys": keys, "decoys": decoys,
        "tests": session.plan.verdict.tests, "version": AUDIT_VERSION,
    }  # fmt: skip

    def compute(bench: Bench) -> Contents:
        asked = judging.nulls.keys(cell, "audit key", keys)
        found = judging.nulls.evidence(cell, hosts, asked)
        nulls = judging.nulls.evidence(cell, judging.nulls.competent(cell, judging.nulls.models(cell)), asked)
        beside = [judging.whose.fresh_rates(cell, host, decoys) for host in hosts]
        claims = [
            [_claims(session, cell, one, [row[k] for row in nulls], near) for k, one in enumerate(read)]
            for read, near in zip(found, beside, strict=True)
        ]
        return Contents({"claims": claims, "keys": len(asked), "models": len(hosts)})

    return Node(
        "audit",
        f"{cell.task.label} {cell.scheme.label}",
        about,
        compute,
        (threshold, *threshold.parents, *hosts),
    )


def _claims(
    session: Session, cell: Cell, found: Evidence, nulls: Sequence[Evidence], decoys: Sequence[float]
) -> list[bool | None]:
    """Whether a key claims a network: by the plan's tests, by null models alone, by decoys alone (None: no decoys)."""
    judging, rule = session.judging, session.plan.verdict
    threshold = Threshold.from_dict(session.engine.get(judging.nulls.threshold(cell)).values["threshold"])
    ranked = rank_among(found.rate, decoys) if decoys else None
    basis = Basis(
        threshold,
        [one.rate for one in nulls],
        ranked,
        tests=rule.tests,
        public=judging.whose.key_bits(cell) == 0,
    )
    told = [
        verdict(found.hits, found.n, found.chance, replace(basis, tests=tests))["claim"]
        for tests in (rule.tests, "nulls", "decoys")
    ]
    return told if ranked else [told[0], told[1], None]


def _row(session: Session, cell: Cell, node: Node) -> Audited:
    found = session.engine.get(node).values
    rule = Threshold.from_dict(session.engine.get(session.judging.nulls.threshold(cell)).values["threshold"])
    claims = np.array(found["claims"], dtype=object)
    rate, interval = claim_rate(claims[:, :, 0].astype(bool))
    decoys = claims[:, :, 2]
    return Audited(
        cell.task.label, cell.scheme.label, cell.extractor.label if cell.extractor else "default",
        rule.rate, rule.theta, rule.rule, rule.null_models, found["models"], found["keys"], rate, interval,
        float(claims[:, :, 0].astype(bool).mean(0).max()), float(claims[:, :, 1].astype(bool).mean()),
        None if decoys[0, 0] is None else float(decoys.astype(bool).mean()),
        cell.seed if session.judging.nulls.reads_own_key(cell) else None,
    )  # fmt: skip
