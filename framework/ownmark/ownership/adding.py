"""A further reader for a mark that was embedded long ago: `align`, say, once a thief has shuffled the neurons.

What a verdict needs of a reader is measured as `embed` does: what it reads of the marked network itself and, where
chance is not known by construction, of null models. These are the owner's own files, or trained by the mark's recipe.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ownmark.checkpoints import read_weights
from ownmark.contracts.evidence import Evidence
from ownmark.contracts.extractor import Extractor
from ownmark.contracts.key import Key
from ownmark.contracts.views import BlackBox, WhiteBox, black_box
from ownmark.discovery import Catalog, discover, nested_fields
from ownmark.errors import NotApplicable, OwnmarkError, Unreadable
from ownmark.foreign import shown
from ownmark.methods import Declaration, Kind, Need
from ownmark.ownership.folder import Claim, Release, model_state
from ownmark.ownership.judging import Judge
from ownmark.ownership.mine import is_mine, remember
from ownmark.ownership.origin import described
from ownmark.ownership.secrecy import alone
from ownmark.ownership.sums import SUMS, coming, complete, sums_text
from ownmark.ownership.trust import require_no_code, require_plain
from ownmark.runner.cell import Spec, canonical, expand
from ownmark.runner.decoys import decoys_for
from ownmark.runner.device import device_called
from ownmark.runner.distinct import distinct
from ownmark.runner.engine import Progress
from ownmark.runner.places import writing
from ownmark.runner.plan import parse_plan
from ownmark.runner.progress import Silent
from ownmark.runner.session import checked_session
from ownmark.runner.thresholds import models_for
from ownmark.scratch import clear, delete, hidden_of

PRESENT = "its rate can be granted by {models} null models or more: give files of networks without a mark, or a number"


@dataclass(frozen=True)
class _Mark:
    """A mark at hand, with everything that reads it."""

    folder: Path
    owner: Claim
    release: Release
    catalog: Catalog
    device: torch.device
    trusted: bool

    def network(self) -> nn.Module:
        """The marked network."""
        state = model_state(self.folder / "released")
        return self.release.restored(self.catalog, state, str(self.folder)).to(self.device)


def add_reader(
    mark: Path,
    reader: str,
    *,
    nulls: int | Sequence[Path] = 0,
    rate: float | None = None,
    device: str = "auto",
    trust_mark: bool = False,
    progress: Progress | None = None,
    catalog: Catalog | None = None,
) -> dict[str, Any]:
    """Add a reader to a mark; `verify(mark, suspect, reader=...)` then knows it under its label.

    Args:
        mark: folder that `embed` made; its `owner/claim.json` is written anew.
        reader: as in a plan: `align`, or `{align: {extractor: uchida}}`; what wraps another one wraps the scheme's.
        nulls: files of independent networks of the same structure without a mark; or how many to train by the mark's
            recipe on its data, whose stages are kept beside the mark until all are done.
        rate: of its verdicts; that of the mark's first reader if not given.

    Returns: what is kept of the reader.

    Raises:
        PlanError, MethodNotFound: no such extractor, or parameters that it does not take.
        NotApplicable: it reads no claim out of the marked network itself, or too few null models show the rate.
        OwnmarkError: the mark has a reader of that name.
    """
    catalog, where = catalog or discover(), device_called(device)
    mark = Path(mark)
    complete(mark / "owner")
    mine = is_mine(mark)
    at_hand = _Mark(
        mark, Claim.read(mark / "owner"), Release.read(mark / "released"), catalog, where, trust_mark or mine
    )  # fmt: skip
    about = dict(at_hand.owner.about)
    first = next(iter(about["readers"].values()))
    spec = _spec(reader, first["extractor"], catalog)
    if not at_hand.trusted:
        require_plain(at_hand.release, catalog, str(mark), "--trust-mark")
        require_no_code(catalog, Kind.EXTRACTOR, spec, str(mark), None, "--trust-mark")
    if spec.label in about["readers"]:
        raise OwnmarkError(f"{mark}: has a reader {spec.label!r} already")
    kept = _measured(
        at_hand, spec, nulls, float(first["rate"]) if rate is None else rate, progress or Silent()
    )
    _write(mark, about | {"readers": {**about["readers"], spec.label: kept}}, at_hand.owner.about, mine)
    return kept


def _spec(reader: str, own: Mapping[str, Any], catalog: Catalog) -> Spec:
    """The reader; one that wraps another, left open, wraps the mark's own."""
    from ownmark.ownership.stealing import spelled

    found = spelled(reader, "extractor")
    config = catalog.find(Kind.EXTRACTOR, found.id).load_config()
    wraps = {
        name: {own["id"]: dict(own["params"])} if own["params"] else own["id"]
        for name, kind in nested_fields(config).items() if kind is Kind.EXTRACTOR
    }  # fmt: skip
    return Spec(found.id, canonical(wraps | found.parameters), found.label)


def _measured(
    mark: _Mark, spec: Spec, nulls: int | Sequence[Path], rate: float, progress: Progress
) -> dict[str, Any]:
    extractor: Extractor = mark.catalog.build(Kind.EXTRACTOR, spec.id, spec.parameters)
    method = mark.catalog.find(Kind.EXTRACTOR, spec.id)
    network, key = mark.network(), mark.owner.key.to(mark.device)
    own = network if Need.OWN_COPY in method.needs else None
    view = _view(mark, network, method)
    try:
        found = extractor.extract(view, key, own)
    except (KeyError, Unreadable) as error:
        raise NotApplicable(
            f"{spec.label}: does not read the key of {key.scheme} ({shown(error, 200)})"
        ) from error
    white = Need.WHITE_BOX in method.needs
    kept: dict[str, Any] = {
        "extractor": described(mark.catalog, Kind.EXTRACTOR, spec),
        "access": "white-box" if white else "black-box", "own_copy": own is not None,
        "queries": getattr(view, "queries", 0), "n": found.n, "chance": found.chance, "symbol": found.symbol,
        "rate": rate, "null_hits": [], "knows": _knows(mark, network, white), "own_hits": [], "tests": "both",
        "public": any(bool(one.get("public")) for one in mark.owner.about["readers"].values()),
        "born": own is not None or any(bool(one.get("born")) for one in mark.owner.about["readers"].values()),
        "decoys": decoys_for(rate, extractor, white),
    }  # fmt: skip
    if found.chance is None:
        hits = [one.hits for one in _on_nulls(mark, extractor, method, key, own, nulls, progress)]
        kept |= {"null_hits": [[one] for one in hits], "own_hits": hits}
    _require_claim(mark, spec, kept, extractor, own, view, found)
    return kept


def _view(mark: _Mark, network: nn.Module, method: Declaration) -> WhiteBox | BlackBox:
    if Need.WHITE_BOX in method.needs:
        return WhiteBox(network)
    return black_box(network, goal=mark.release.structure.builder(mark.catalog).goal)


def _knows(mark: _Mark, network: nn.Module, white: bool) -> int | None:
    if white or not len(mark.owner.controls):
        return None
    controls = mark.owner.controls.to(mark.device)
    return int((black_box(network).predict(controls.x) == controls.labels).sum())


def _on_nulls(
    mark: _Mark,
    extractor: Extractor,
    method: Declaration,
    key: Key,
    own: nn.Module | None,
    nulls: int | Sequence[Path],
    progress: Progress,
) -> Iterator[Evidence]:
    networks = _trained(mark, nulls, progress) if isinstance(nulls, int) else _loaded(mark, nulls)
    for network in distinct(networks):
        yield extractor.extract(_view(mark, network, method), key, own)


def _loaded(mark: _Mark, files: Sequence[Path]) -> Iterator[nn.Module]:
    for file in files:
        found = mark.release.restored(mark.catalog, read_weights(Path(file)).tensors, str(file))
        yield found.to(mark.device).eval()


def _trained(mark: _Mark, count: int, progress: Progress) -> Iterator[nn.Module]:
    """Null models by the mark's recipe on its data, one after the other."""
    if not count:
        return
    origin = mark.owner.origin(mark.release)
    host, data, scheme = origin.structure.host, origin.source, mark.owner.about["scheme"]
    told = {
        "tasks": [{"dataset": {data.id: data.parameters}, "host": {host.id: host.parameters}}],
        "schemes": [{scheme["id"]: scheme["params"]}], "verdict": {"null_models": count},
    }  # fmt: skip
    plan, document = parse_plan(json.dumps(told), "the mark")
    work = mark.folder.resolve().with_name(f"{mark.folder.resolve().name}.nulls")
    with alone(work):
        session = checked_session(
            plan, document, work, work / "store", str(mark.device), progress, mark.catalog
        )
        task = expand(plan)[0].task
        for node in session.making.hosts.nulls(task):
            session.engine.get(node)
            yield session.making.hosts.host_network(session.making.hosts.built_as(task, node), node)
        shutil.rmtree(work, ignore_errors=True)  # while it is held: afterwards it may be another process's


def _require_claim(
    mark: _Mark,
    spec: Spec,
    kept: Mapping[str, Any],
    extractor: Extractor,
    own: nn.Module | None,
    view: WhiteBox | BlackBox,
    found: Evidence,
) -> None:
    """What a reader does not claim of the marked network itself, it will claim of none."""
    if found.chance is None and not kept["own_hits"]:
        raise NotApplicable(f"{spec.label}: {PRESENT.format(models=models_for(kept['rate']))}")
    judge = Judge(
        mark.catalog, mark.owner, mark.release, kept, kept["rate"], extractor, own, mark.device,
        trusted=mark.trusted,
    )  # fmt: skip
    said = judge.judged(view, None, None)
    if said["claim"] is None:
        raise NotApplicable(f"{spec.label}: {said['error']}")
    if not said["claim"]:
        raise NotApplicable(
            f"{spec.label}: reads {found.hits} of {found.n} symbols out of the marked network itself, and "
            f"{said['hits_needed']} make a claim at a rate of {kept['rate']:g}; it was not added"
        )


def _write(mark: Path, about: Mapping[str, Any], before: Mapping[str, Any], mine: bool) -> None:
    """`claim.json` anew, with its sums where a commitment has them: both, or neither; see `complete`.

    They are written outside of `owner`, where whatever the sums do not name is refused.

    Raises:
        OwnmarkError: the claim is not what it was `before`.
    """
    folder = mark / "owner"
    new = coming(folder)
    scratch = hidden_of(new)
    with writing(folder):
        clear(new)
        try:
            scratch.mkdir(mode=0o700)
            texts = {"claim.json": json.dumps(about, indent=1, sort_keys=True)}
            if (folder / SUMS).is_file():
                texts = {SUMS: sums_text(folder, texts), **texts}
            for name, text in texts.items():
                (scratch / name).write_text(text)
                (scratch / name).chmod(0o600)
            with _alone_in(folder):
                if Claim.read(folder).about != before:
                    raise OwnmarkError(
                        f"{mark}: its claim was changed while the reader was measured; nothing was added, run it again"
                    )
                if mine:
                    remember(mark, texts["claim.json"].encode())
                delete(new)
                scratch.rename(new)
                with suppress(FileNotFoundError):  # somebody opened the mark, and completed it
                    for name in texts:  # the sums first, which name the claim that is still to come
                        (new / name).replace(folder / name)
                    new.rmdir()
        finally:
            delete(scratch)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """One process at a time, where the file system knows how."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(ImportError, OSError):
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
