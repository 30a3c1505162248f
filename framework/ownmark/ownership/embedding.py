"""`embed`: mark one network, and leave a folder with what is given away and what is kept.

Experiments draw their keys from the plan's seed, which anybody can guess. Here the seed is 62 bits of the system's
randomness; it is kept beside the unfinished work, so that a killed run goes on where it was, and deleted with it.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from ownmark.contracts.host import Host
from ownmark.contracts.samples import Samples
from ownmark.contracts.scheme import Scheme
from ownmark.discovery import Catalog, discover, nested_fields
from ownmark.errors import NotApplicable, OwnmarkError, PlanError
from ownmark.methods import Kind, Need
from ownmark.ownership.commitment import PRIVATE, PUBLIC
from ownmark.ownership.deriving import committed_seed
from ownmark.ownership.folder import Claim, Release, Structure, appearing
from ownmark.ownership.judging import too_few
from ownmark.ownership.knowing import Kept, from_training, kept_controls
from ownmark.ownership.mine import remember
from ownmark.ownership.origin import described
from ownmark.ownership.secrecy import Discreet, Secrecy, working
from ownmark.ownership.stamps import STAMP
from ownmark.ownership.sums import SUMS, sums_of, write_sums
from ownmark.ownership.trust import chooses
from ownmark.ownership.worth import allowed_loss, chance_of_answers, require_share, require_worth, utility_of
from ownmark.runner.cell import Cell, Spec, canonical, expand
from ownmark.runner.device import device_called
from ownmark.runner.engine import Progress
from ownmark.runner.environment import environment
from ownmark.runner.places import require_writable, writing
from ownmark.runner.plan import Entry, Given, Plan, Split
from ownmark.runner.preflight import check_methods
from ownmark.runner.progress import Silent
from ownmark.runner.qualify import qualified
from ownmark.runner.session import PlanSource, Session, checked_session, load_plan
from ownmark.runner.verdict import Basis, verdict
from ownmark.runner.yamlfile import Document


@dataclass(frozen=True)
class Embedded:
    """What `embed` made.

    Args:
        folder: with `released` and `owner`. utility: metric, and its value for the host and the marked network.
        verdicts: by reader, what it says of the network itself; all of them claim.
    """

    folder: Path
    utility: Mapping[str, Any]
    verdicts: Mapping[str, Mapping[str, Any]]


def embed(
    plan: PlanSource,
    into: Path,
    *,
    max_loss: float | None = None,
    device: str = "auto",
    commitment: Path | None = None,
    randomness: str = "",
    controls: Samples | None = None,
    progress: Progress | None = None,
    catalog: Catalog | None = None,
) -> Embedded:
    """Mark the network of a plan with one task and one scheme, under a secret that nobody else can draw.

    Args:
        plan: a YAML file, the name of a plan, or a parsed one. Its `verdict` and `extractors` are used, its
            seeds and attacks not.
        commitment: folder that `commit` made; the key is then drawn from its secret and from `randomness`, a string
            that nobody knew when the commitment was published, instead of from the system's randomness.
        into: the folder to make. While the work goes on, it lies in a folder of that name with `.work` behind it.
        controls: labelled images of the task that suspects are asked about before any trigger, public ones say; None
            takes the plan's test images.
        max_loss: of utility, past which nothing is released; None: 0.01 where trained weights are marked, any where the
            plan trains the network.

    Raises:
        PlanError: the plan cannot run, or names several tasks or schemes.
        NotApplicable: the mark did not take, or cost too much; nothing is released that could not be claimed, or that
            knows no more of the task than one answer to everything.
    """
    require_share(max_loss)
    catalog = catalog or discover()
    parsed, document = load_plan(plan, catalog)
    single = single_plan(parsed, document, catalog)
    device = str(device_called(device))
    require_writable(into.parent, "--into")
    with working(into, "owner/claim.json") as work:
        derivation = None
        if commitment is None:
            secret = secret_in(work / "secret")
        else:
            cell = expand(single)[0]
            secret, derivation = committed_seed(catalog, cell, single.split, commitment, randomness)
        secrecy = Secrecy(secret)
        with secrecy.guarded():
            told = Discreet(progress or Silent(), secret)
            seeded = replace(single, seeds=(secret,))
            session = checked_session(
                seeded, document, work, work / "store", device, told, catalog, secrecy.hide
            )
            return embedded(session, into, derivation, commitment, max_loss, controls)


def embedded(
    session: Session,
    into: Path,
    derivation: Mapping[str, Any] | None = None,
    commitment: Path | None = None,
    max_loss: float | None = None,
    controls: Samples | None = None,
) -> Embedded:
    """Mark the network of a session's plan; arguments as for `embed`."""
    cells = expand(session.plan)
    session.progress.plan(_missing(session, cells), len(cells))
    asked = kept_controls(session, cells[0], controls)
    verdicts, readers = _read(session, cells, asked)
    sent = any(reader["access"] == "black-box" for reader in readers.values())
    if sent and controls is None and (trained := from_training(session, cells[0], asked.images)):
        session.progress.note(
            f"{trained} of the {len(asked.images)} clean images that suspects are asked about are training images, "
            "since a class has too few test images; --controls takes others"
        )
    require_worth(
        utility_of(session, cells[0]), allowed_loss(session, cells[0], max_loss),
        lambda: chance_of_answers(session, cells[0]),
    )  # fmt: skip
    task, catalog = cells[0].task, session.making.methods.catalog
    named = ((Kind.HOST, task.host), (Kind.DATASET, task.dataset), (Kind.SCHEME, cells[0].scheme))
    with writing(into), appearing(into) as folder:
        _write(folder, session, cells[0], readers, derivation, asked)
        if commitment is not None:
            stamp = [STAMP] if (commitment / STAMP).is_file() else []
            for name in (PUBLIC, PRIVATE, *stamp):
                shutil.copy(commitment / name, folder / "owner" / name)
                (folder / "owner" / name).chmod(0o600)
            write_sums(folder / "owner")
            (folder / "owner" / SUMS).chmod(0o600)
        if any(chooses(catalog, kind, spec) for kind, spec in named):
            remember(folder)
    return Embedded(into, utility_of(session, cells[0]), verdicts)


def single_cell(plan: str | Path, catalog: Catalog) -> tuple[Cell, Split]:
    """The one cell of a plan that can be embedded, and how its images are divided.

    Raises:
        PlanError: the plan has more than one task or scheme, or cannot be read.
    """
    parsed, document = load_plan(plan, catalog)
    single = single_plan(parsed, document, catalog)
    if problems := check_methods(single, document, catalog):
        raise PlanError(problems)
    return expand(single)[0], single.split


def single_plan(plan: Plan, document: Document, catalog: Catalog) -> Plan:
    """The plan without attacks and seeds, and with all of the owner's data: there is nobody to keep any for.

    Raises:
        PlanError: it has more than one task or scheme.
    """
    bare = replace(
        plan, schemes=tuple(keyed(entry, catalog) for entry in plan.schemes), attacks=(Entry(id="none"),), seeds=(0,),
        split=replace(plan.split, reserve=0.0), attacker=Given(source="owner"),
    )  # fmt: skip
    found = {(cell.task, cell.scheme) for cell in expand(bare)}
    if len(found) > 1:
        named = ", ".join(sorted(f"{task.label} {scheme.label}" for task, scheme in found))
        raise PlanError([f"{document.name}: one task and one scheme can be embedded, this plan has {named}"])
    return bare


def keyed(entry: Entry, catalog: Catalog) -> Entry:
    """The scheme with a pattern of the key's own, if it has such a mode and the plan leaves it open."""
    try:
        config = catalog.find(Kind.SCHEME, entry.id).load_config()
    except OwnmarkError:  # the plan's check says more
        return entry
    if "keyed" not in getattr(config, "__pydantic_fields__", {}) or "keyed" in entry.params | entry.sweep:
        return entry
    return replace(entry, params={**entry.params, "keyed": True})


def secret_in(path: Path) -> int:
    """The secret of an embedding that was begun, or a new one.

    Raises:
        OwnmarkError: the file holds something else.
    """
    if not path.exists():
        scratch = path.with_suffix(".tmp")
        scratch.unlink(missing_ok=True)
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(str(secrets.randbits(62)))
        scratch.rename(path)
    text = path.read_text(errors="replace").strip()
    if path.is_symlink() or not (text.isascii() and text.isdigit() and len(text) < 20):
        raise OwnmarkError(f"{path}: is damaged; remove {path.parent} and embed anew")
    return int(text)


def _nodes(session: Session, cell: Cell) -> list[Any]:
    making, reading = session.making, session.reading
    decoys = session.judging.whose.decoys(cell)
    return [making.own_host(cell), making.marked(cell), reading.host_utility(cell),
            reading.marked_utility(cell), reading.evidence(cell), *([decoys] if decoys else [])]  # fmt: skip


def _missing(session: Session, cells: tuple[Cell, ...]) -> dict[str, str]:
    nodes = (node for cell in cells for node in _nodes(session, cell))
    return {node.digest: node.stage for node in nodes if not session.engine.done(node)}


def _read(session: Session, cells: tuple[Cell, ...], asked: Kept) -> tuple[dict[str, Any], dict[str, Any]]:
    """Verdicts on the marked network by reader, and what later verdicts need of each reader."""
    verdicts, readers = {}, {}
    for cell in cells:
        for node in _nodes(session, cell):
            session.engine.get(node)
        evidence = session.engine.get(session.reading.evidence(cell)).values
        basis = session.judging.basis(cell, nulls=evidence["chance"] is None)
        hits, n = evidence["hits"], evidence["n"]
        method = session.making.methods.extractor_of(cell.scheme, cell.extractor)
        label = cell.extractor.label if cell.extractor else "default"
        if basis.controls is not None and asked.knows is not None:
            basis = replace(basis, controls=asked.knows)
        verdicts[label] = verdict(hits, n, evidence["chance"], basis)
        _require_claim(cell, label, hits, n, basis, verdicts[label], session.plan.verdict.null_models)
        spec = cell.extractor or session.making.methods.own_extractor(cell.scheme)
        readers[label] = {
            "extractor": _reader(session, cell, spec),
            "access": evidence["access"], "own_copy": method.needs(Need.OWN_COPY), "queries": evidence["queries"],
            "n": n, "chance": evidence["chance"], "symbol": evidence["symbol"], "rate": basis.threshold.rate,
            "null_hits": _null_hits(session, cell, evidence),
            "knows": None if basis.controls is None else basis.controls.reference,
            "own_hits": [round(rate * n) for rate in basis.own], "tests": basis.tests, "public": basis.public,
            "born": session.judging.nulls.reads_own_key(cell), "decoys": session.judging.whose.decoy_count(cell),
            "bits": session.judging.whose.key_bits(cell), "found": basis.decoys and basis.decoys.to_dict(),
        }  # fmt: skip
    return verdicts, readers


def _reader(session: Session, cell: Cell, spec: Spec) -> dict[str, Any]:
    """What reads the mark, with its origin, so that no other method of that name will."""
    complete = Spec(spec.id, canonical(_params(session, cell, spec)), spec.label)
    return described(session.making.methods.catalog, Kind.EXTRACTOR, complete)


def _null_hits(session: Session, cell: Cell, evidence: Mapping[str, Any]) -> list[list[int]]:
    """Hits [null models][keys] behind the threshold; none where chance is known, and none are trained then."""
    if evidence["chance"] is not None:
        return []
    found = session.engine.get(session.judging.nulls.threshold(cell)).values["null_rates"]
    return [[round(rate * evidence["n"]) for rate in row] for row in found]


def _params(session: Session, cell: Cell, spec: Spec) -> dict[str, Any]:
    """Parameters of a reader; one that wraps another, left open, wraps the scheme's own."""
    config = session.making.methods.catalog.find(Kind.EXTRACTOR, spec.id).load_config()
    own = session.making.methods.own_extractor(cell.scheme)
    wraps = {name: own.id for name, kind in nested_fields(config).items() if kind is Kind.EXTRACTOR}
    return wraps | spec.parameters


def _require_claim(
    cell: Cell, label: str, hits: int, n: int, basis: Basis, found: Mapping[str, Any], planned: int
) -> None:
    """Refuse what the verdict on the marked network itself does not claim; `planned` null models were asked for."""
    threshold, knowing = basis.threshold, basis.controls
    if knowing is not None and not knowing.knows:
        raise NotApplicable(
            f"{cell.scheme.label}, read by {label}: {knowing.reason}. It could never be claimed; nothing was released"
        )
    by_nulls = found["decided_by"] != "decoys"
    if by_nulls and not threshold.claimable:
        raise NotApplicable(
            f"{cell.scheme.label}, read by {label}: no number of matches makes a claim at a rate of {threshold.rate:g} "
            f"with {threshold.null_models} null models; raise verdict.null_models or the key's length"
        )
    if by_nulls and not threshold.claims(hits):
        raise NotApplicable(
            f"{cell.scheme.label}, read by {label}: the mark did not take. {hits} of {n} symbols match and "
            f"{threshold.hits} make a claim; train longer or embed more strongly. Nothing was released"
        )
    if not found["claim"]:
        ranked = basis.decoys
        as_much = "" if ranked is None else f", {ranked.as_much} of {ranked.n} fresh keys match as much"
        raise NotApplicable(
            f"{cell.scheme.label}, read by {label}: the mark cannot be told from others. p = "
            f"{found['p_nulls']:.2g} among null models{as_much}; use more symbols or a keyed pattern. "
            "Nothing was released"
        )

    if found["p_value"] > basis.threshold.rate:
        raise NotApplicable(
            f"{cell.scheme.label}, read by {label}: {too_few(found)}{_left_out(found, planned)}; raise "
            "verdict.null_models, give more of your own, or state a higher verdict.rate. Nothing was released"
        )


def _left_out(found: Mapping[str, Any], planned: int) -> str:
    """What became of null models that were planned, where answers are read."""
    left = planned - found["null_models"]
    if left <= 0 or found["controls"] is None:
        return ""
    return f" ({left} more do not know the task, and were left out; train them better)"


def _write(
    folder: Path,
    session: Session,
    cell: Cell,
    readers: Mapping[str, Any],
    derivation: Mapping[str, Any] | None,
    asked: Kept,
) -> None:
    making, splits = session.making, session.making.tasks.splits(cell.task.dataset)
    scheme = making.methods.get(Kind.SCHEME, cell.scheme).instance
    catalog = making.methods.catalog
    layers = qualified(catalog, Kind.SCHEME, cell.scheme) if _changes_layers(scheme) else None
    host = qualified(catalog, Kind.HOST, cell.task.host)
    dataset = qualified(catalog, Kind.DATASET, cell.task.dataset)
    structure = Structure(host, splits.shape, splits.classes, layers, splits.inputs)
    for name in ("released", "owner"):
        (folder / name).mkdir()
    release = Release(structure, dataset, session.plan.split)
    release.without_origin().write(folder / "released", _owners_names(session, cell))
    key = making.key(cell).to("cpu")
    about = {
        "scheme": described(catalog, Kind.SCHEME, cell.scheme), "task": cell.task.label, "readers": readers,
        "key": key.digest(), "derivation": derivation, "data": making.tasks.data_identity(cell.task.dataset)["data"],
        "host": host.describe(), "dataset": dataset.describe(), "split": session.plan.split.plain(),
        "provenance": environment(str(session.engine.device)), "utility": utility_of(session, cell),
        "released": sums_of(folder / "released"),
    }  # fmt: skip
    Claim(about, key, asked.images.to("cpu")).write(folder / "owner")


def _owners_names(session: Session, cell: Cell) -> dict[str, Tensor]:
    """The marked network's weights under the names that its owner knows."""
    making = session.making
    host: Host = making.methods.get(Kind.HOST, cell.task.host).instance
    return dict(host.bare(making.marked_network(cell)).state_dict())


def _changes_layers(scheme: Any) -> bool:
    return type(scheme).restore is not Scheme.restore
