"""`verify`: whose is this suspect?

Before a black box sees a trigger it is asked about clean images that the owner knows. A service that answers anything
with one label would otherwise match every trigger of a key with one target class, and one that does not know the task
is nobody's copy; neither is claimed, whatever else it answers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ownmark.contracts.extractor import Extractor
from ownmark.contracts.views import BlackBox, WhiteBox, outputs
from ownmark.contracts.weights import read_tensors
from ownmark.discovery import Catalog, discover
from ownmark.errors import NotApplicable, OwnmarkError, Unreadable, UnusableAnswer
from ownmark.methods import Kind
from ownmark.ownership.asked import Answers, guarded, imported, require_sense, without_numbers
from ownmark.ownership.credentials import redacted
from ownmark.ownership.deriving import derived
from ownmark.ownership.endpoint import Endpoint, Service
from ownmark.ownership.folder import Claim, Release, model_state
from ownmark.ownership.judging import Judge, stated
from ownmark.ownership.mine import is_mine
from ownmark.ownership.origin import differs
from ownmark.ownership.origin import reader as found_reader
from ownmark.ownership.trust import as_owned, require_no_code, require_plain
from ownmark.runner.cell import Spec
from ownmark.runner.controls import asked
from ownmark.runner.device import device_called
from ownmark.runner.environment import environment
from ownmark.stats import least_decoys

_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


Suspected = str | Path | Service | Answers
"""What may be given as a suspect; see `verify`."""


@dataclass(frozen=True)
class _Faced:
    """A suspect as the verifier faces it: what answers, and the weights if they are there."""

    answer: Answers
    network: nn.Module | None
    about: Mapping[str, Any]
    endpoint: Endpoint | None = None


def verify(
    mark: Path,
    suspect: str | Path | Service | Answers,
    *,
    reader: str = "default",
    rate: float | None = None,
    budget: int | None = None,
    device: str = "auto",
    trust: bool = False,
    trust_mark: bool = False,
    sequential: bool = False,
    watch: Callable[[Answers], Answers] | None = None,
    stranger: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    catalog: Catalog | None = None,
) -> dict[str, Any]:
    """The verdict on a suspect, as a JSON-ready record.

    Args:
        mark: folder that `embed` made.
        suspect: a `.safetensors` file or a folder with a `model.json`; an address or a `Service`; a function of images
            [N, C, H, W] in [0, 1] that gives labels [N] or scores [N, classes], or its name, `package.module:function`.
        reader: one of the mark's extractors. rate: of false positives; the one it was embedded with if not given.
        budget: images that a black box may be sent, at most.
        trust: mark and suspect's folder are the user's own, so that code which they name may run; `trust_mark`: the
            mark is, the suspect is not.
        sequential: look at a tenth of the symbols first, and stop there if that decides; same rate, fewer queries.
        watch: wraps what answers, to see questions and answers.
        stranger: a distribution whose extractor is to read, though the mark names another's of the same id.
        progress: told (images answered, images in all) by a service.

    Returns: `claim` is true or false; or None, with `error`, where a black box gave no usable answers. `reason` says
        why there is no evidence; with `unreadable`, the suspect has another structure than the mark is read from.
        `queries` is what was spent in any case.

    Raises:
        OwnmarkError: no such reader, or a rate that is none.
        NotApplicable: this reader cannot read this kind of suspect, or the budget is too small to begin with.
        UntrustedFile: a file is missing, damaged, a pickle, or not what it should be.
    """
    require_sense(rate, budget)
    where = device_called(device)
    catalog, mark = catalog or discover(), Path(mark)
    owner, release = Claim.read(mark / "owner"), Release.read(mark / "released")
    reads = _reader(owner, reader)
    judged_at = stated(reads, rate)
    method = found_reader(catalog, reads["extractor"], stranger)
    if not (trust or trust_mark or is_mine(mark)):
        _require_plain_mark(mark, release, method, catalog)
    try:
        faced = _face(suspect, release, catalog, where, budget, progress, trust)
    except Unreadable as error:
        return _record(_about(suspect), owner, reads, reader, where) | _unreadable(error)
    record = _record(faced.about, owner, reads, reader, where) | {
        "judged_at": judged_at, "sequential": sequential,
        "allowed": None, "derived": derived(mark, owner, release, catalog),
        "reader_differs": differs(catalog, reads["extractor"], method),
    }  # fmt: skip
    extractor: Extractor = catalog.build(
        Kind.EXTRACTOR, method.id, method.parameters, home=catalog.home_of(method.id)
    )
    own = None
    if reads["own_copy"]:
        own = release.restored(catalog, model_state(mark / "released"), str(mark)).to(where)
    judge = Judge(catalog, owner, release, reads, judged_at, extractor, own, where, sequential)
    if reads["access"] == "white-box":
        if faced.network is None:
            raise NotApplicable(
                f"{owner.about['scheme']['label']} is read from weights, and {faced.about['given']} shows none; get "
                "the weights, or mark with a scheme that a prediction service reveals (`ownmark list schemes`)"
            )
        try:
            said = judge.judged(WhiteBox(faced.network), None, None) | {"queries": 0, "status": "ok"}
        except (Unreadable, NotApplicable) as error:
            said = _unreadable(error)
        doubt = None if said["claim"] else without_numbers(faced.network)
        return record | said | ({"status": "undecided", "claim": None, "error": doubt} if doubt else {})
    needed = len(owner.controls) + int(reads["queries"])
    if budget is not None and budget < needed:
        raise NotApplicable(
            f"{needed} images are needed, {len(owner.controls)} of them clean; the budget is {budget}"
        )
    box = BlackBox(watch(faced.answer) if watch else faced.answer, budget, release.structure.classes)
    record["allowed"] = _allowed(judge, faced, budget)
    try:
        said = _asked(judge, box, record["allowed"])
    except (UnusableAnswer, NotApplicable) as error:
        said = {"status": "undecided", "claim": None, "error": str(error)}
    except Unreadable as error:
        said = _unreadable(error)
    return record | said | _spent(box, faced)


def _record(
    about: Mapping[str, Any], owner: Claim, reads: Mapping[str, Any], reader: str, device: torch.device
) -> dict[str, Any]:
    return {
        "suspect": dict(about), "scheme": owner.about["scheme"], "key": owner.about["key"], "reader": reader,
        "access": reads["access"], "own_copy": reads["own_copy"], "provenance": environment(str(device)),
    }  # fmt: skip


def _unreadable(error: Exception) -> dict[str, Any]:
    """No claim, since there is nothing that this mark could be read from; it says why."""
    return {
        "status": "ok", "claim": False, "unreadable": str(error), "reason": f"unreadable: {error}", "queries": 0,
    }  # fmt: skip


def _asked(judge: Judge, box: BlackBox, budget: int | None) -> dict[str, Any]:
    """Controls first; the key's images only if the suspect knows the task."""
    owner, reads = judge.owner, judge.reads
    knowing = asked(box, owner.controls.to(judge.device), reads.get("knows"))
    controls = knowing.to_dict()
    if not knowing.powerful:
        return {"status": "undecided", "controls": controls, "claim": None, "error": knowing.reason}
    if knowing.knows:
        left = None if budget is None else budget - knowing.n - int(reads["queries"])
        return {"status": "ok", **judge.judged(box, knowing, left)}
    reason = f"{knowing.reason}, so what it says of triggers would prove nothing; none was sent"
    return {"status": "ok", "controls": controls, "claim": False, "reason": reason}


def _allowed(judge: Judge, faced: _Faced, budget: int | None) -> int | None:
    """Images that may be sent: the budget; to a service without one, no more decoys than the rate takes."""
    if budget is not None or faced.endpoint is None or judge.sequential:
        return budget
    return len(judge.owner.controls) + int(judge.reads["queries"]) * (1 + least_decoys(judge.rate))


def _spent(box: BlackBox, faced: _Faced) -> dict[str, Any]:
    """Images sent; to a service also those sent again, and requests."""
    if faced.endpoint is None:
        return {"queries": box.queries}
    return {"queries": faced.endpoint.sent, "requests": faced.endpoint.requests}


def _require_plain_mark(mark: Path, release: Release, reader: Spec, catalog: Catalog) -> None:
    """A mark may come from a claimant; it chooses no code unless its reader says that it is trusted.

    Raises:
        UntrustedFile: its network or its reader is code that it names.
    """
    require_plain(release, catalog, str(mark), "--trust-mark")
    require_no_code(catalog, Kind.EXTRACTOR, reader, str(mark), None, "--trust-mark")


def _reader(owner: Claim, name: str) -> Mapping[str, Any]:
    readers: Mapping[str, Any] = owner.about["readers"]
    if name not in readers:
        raise OwnmarkError(f"this mark has no reader {name!r}; it was embedded with {', '.join(readers)}")
    return dict(readers[name])


# --- suspects -------------------------------------------------------------------------------------------------------


def _face(
    suspect: str | Path | Service | Answers,
    release: Release,
    catalog: Catalog,
    device: torch.device,
    budget: int | None,
    progress: Callable[[int, int], None] | None,
    trust: bool,
) -> _Faced:
    if isinstance(suspect, str) and suspect.startswith(("http://", "https://")):
        suspect = Service(suspect)
    if isinstance(suspect, Service):
        endpoint = Endpoint(suspect, budget, release.structure.classes, progress)
        return _Faced(endpoint, None, {"given": redacted(suspect.url)}, endpoint)
    if isinstance(suspect, str) and not Path(suspect).exists() and _FUNCTION.fullmatch(suspect):
        return _Faced(guarded(imported(suspect), suspect), None, {"given": suspect})
    if isinstance(suspect, str) and "://" in suspect:
        raise OwnmarkError(
            f"{redacted(suspect)} is no address of a service; it starts with http:// or https://"
        )
    if isinstance(suspect, str | Path):
        return _stored(Path(suspect), release, catalog, device, trust)
    name = getattr(suspect, "__qualname__", type(suspect).__qualname__)
    name = f"the function {name}"
    return _Faced(guarded(suspect, name), None, {"given": name})


def _stored(path: Path, release: Release, catalog: Catalog, device: torch.device, trust: bool) -> _Faced:
    """A file of weights, or a folder that says what was done to them."""
    origin = Release.read(path) if path.is_dir() else release
    if path.is_dir() and not trust:
        origin = as_owned(origin, release, catalog, str(path))
    state = model_state(path) if path.is_dir() else read_tensors(path)[0]
    network = origin.restored(catalog, state, str(path)).to(device)
    served = origin.served(catalog, network)

    def answer(x: Tensor) -> Tensor:
        try:
            return outputs(served, x).softmax(1)
        except RuntimeError as error:
            raise Unreadable(f"{path}: the weights make no network that runs: {error}") from error

    return _Faced(answer, network, _about(path))


def _about(suspect: object) -> dict[str, str]:
    """What a record says of files that were given."""
    path = Path(str(suspect))
    file = path / "model.safetensors" if path.is_dir() else path
    return {"given": str(path), "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
