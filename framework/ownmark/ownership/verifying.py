"""`verify`: whose is this suspect?

Before a black box sees a trigger it is asked about clean images that the owner knows. A service that answers anything
with one label would otherwise match every trigger of a key with one target class, and one that does not know the task
is nobody's copy; neither is claimed, whatever else it answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ownmark.contracts.extractor import Extractor
from ownmark.contracts.tasks import Goal
from ownmark.contracts.views import BlackBox, WhiteBox
from ownmark.discovery import Catalog, discover
from ownmark.errors import NotApplicable, OwnmarkError, Unreadable, UnusableAnswer
from ownmark.methods import Kind
from ownmark.ownership.asked import Answers, require_sense, without_numbers
from ownmark.ownership.deriving import derived
from ownmark.ownership.facing import Faced, Given, about, face
from ownmark.ownership.folder import Claim, Release, model_state
from ownmark.ownership.judging import Judge, stated
from ownmark.ownership.mine import is_mine
from ownmark.ownership.origin import differs
from ownmark.ownership.origin import reader as found_reader
from ownmark.ownership.relabel import Relabelling, introduced
from ownmark.ownership.sums import SUMS, complete, require_same, require_sums
from ownmark.ownership.telling import named_labels
from ownmark.ownership.trust import require_no_code, require_plain
from ownmark.runner.cell import Spec
from ownmark.runner.decoys import fewest_decoys
from ownmark.runner.device import device_called
from ownmark.runner.environment import environment

OTHERWISE = (
    "normalised (mean and std), in 0 to 255 (--pixels byte), channels last (--layout hwc), of another size"
)


Suspected = Given
"""What may be given as a suspect; see `verify`."""


def verify(
    mark: Path,
    suspect: Given,
    *,
    reader: str = "default",
    rate: float | None = None,
    budget: int | None = None,
    device: str = "auto",
    trust: bool = False,
    trust_mark: bool = False,
    sequential: bool = False,
    former: bool = False,
    watch: Callable[[Answers], Answers] | None = None,
    stranger: str | None = None,
    labels: Sequence[str] | str | None = None,
    progress: Callable[[int, int], None] | None = None,
    catalog: Catalog | None = None,
    faced: Faced | None = None,
    sparing: bool = False,
) -> dict[str, Any]:
    """The verdict on a suspect, as a JSON-ready record.

    Args:
        mark: folder that `embed` made.
        suspect: a file of weights (`ownmark.checkpoints` says which), a folder with one; a module; an address or a
            `Service`; a function of images [N, C, H, W] in [0, 1] that gives labels [N] or scores [N, classes], or its
            name, `package.module:function`.
        labels: names of the labels in order, where a suspect answers with names; as one text, `a,b,c` or a file.
        reader: one of the mark's extractors. rate: of false positives; the one it was embedded with if not given.
        budget: images that a black box may be sent, at most.
        trust: mark and suspect's folder are the user's own, so that code which they name may run; `trust_mark`: the
            mark is, the suspect is not.
        sequential: look at a tenth of the symbols first, and stop there if that decides; same rate, fewer queries.
            `former`: as earlier versions did, to judge evidence of theirs.
        watch: wraps what answers, to see questions and answers.
        stranger: a distribution whose extractor is to read, though the mark names another's of the same id.
        progress: told (images answered, images in all) by a service.
        faced: the same suspect, if it was opened for another mark of the same network.
        sparing: read decoys only where the key matches enough for a claim.

    Returns: `claim` is true or false; or None, with `error`, where a black box gave no usable answers. `reason` says
        why there is no evidence; with `unreadable`, the suspect has another structure than the mark is read from.
        `queries` is what was spent in any case.

    Raises:
        OwnmarkError: no such reader, or a rate that is none.
        NotApplicable: this reader cannot read this kind of suspect, or the budget is too small to begin with.
        UntrustedFile: a file is missing, damaged, a pickle, or not what it should be.
    """
    require_sense(rate, budget)
    labels = named_labels(labels) if isinstance(labels, str) else labels
    where = device_called(device)
    catalog, mark = catalog or discover(), Path(mark)
    owner, release = _opened(mark)
    reads = _reader(owner, reader)
    judged_at = stated(reads, rate)
    method = found_reader(catalog, reads["extractor"], stranger)
    trusted = trust or trust_mark or is_mine(mark)
    if not trusted:
        _require_plain_mark(mark, release, method, catalog)
    try:
        faced = faced or face(suspect, release, catalog, where, budget, progress, trust, labels)
    except Unreadable as error:
        return _record(about(suspect), owner, reads, reader, where) | _unreadable(error)
    record = _record(faced.about, owner, reads, reader, where) | {
        "judged_at": judged_at, "sequential": sequential,
        "allowed": None, "derived": derived(mark, owner, release, catalog, trusted),
        "reader_differs": differs(catalog, reads["extractor"], method),
    }  # fmt: skip
    extractor: Extractor = catalog.build(
        Kind.EXTRACTOR, method.id, method.parameters, home=catalog.home_of(method.id)
    )
    own = None
    if reads["own_copy"]:
        own = release.restored(catalog, model_state(mark / "released"), str(mark)).to(where)
    judge = Judge(
        catalog, owner, release, reads, judged_at, extractor, own, where, sequential, former, trusted, sparing
    )
    if reads["access"] == "white-box":
        return record | _of_weights(judge, faced)
    return record | _of_answers(judge, faced, budget, watch, release.structure.builder(catalog).goal)


def _opened(mark: Path) -> tuple[Claim, Release]:
    """The two halves of a mark, which belong together and are as they were written."""
    if not (mark / SUMS).exists():  # as a folder of evidence has it, which nobody changes
        complete(mark / "owner")
    if (mark / "owner" / SUMS).exists():  # of a derived key; whatever the claim says
        require_sums(mark / "owner")
    owner = Claim.read(mark / "owner")
    if owner.about.get("derivation"):
        require_same(mark / "released", owner.about.get("released"))
    release = Release.read(mark / "released")
    owner.require_of(release, str(mark))
    return owner, release


def _of_weights(judge: Judge, faced: Faced) -> dict[str, Any]:
    """The verdict on a suspect that shows its weights, all of them or a part."""
    if faced.network is None:
        raise NotApplicable(
            f"{judge.owner.about['scheme']['label']} is read from weights, and {faced.about['given']} shows none; get "
            "the weights, or mark with a scheme that a prediction service reveals (`ownmark list schemes`)"
        )
    try:
        said = {"queries": 0, "status": "ok"} | judge.judged(WhiteBox(faced.network), None, None)
    except (Unreadable, NotApplicable) as error:
        said = _unreadable(Unreadable(faced.lacking) if faced.lacking else error)
    if faced.lacking:
        return said | ({} if said["claim"] or "unreadable" in said else _part_only(faced.lacking))
    doubt = None if said["claim"] else without_numbers(faced.network)
    return said | ({"status": "undecided", "claim": None, "error": doubt} if doubt else {})


def _of_answers(
    judge: Judge, faced: Faced, budget: int | None, watch: Callable[[Answers], Answers] | None, goal: Goal
) -> dict[str, Any]:
    """The verdict on a suspect that answers."""
    controls, queries = len(judge.owner.controls), int(judge.reads["queries"])
    if budget is not None and budget < controls + queries:
        raise NotApplicable(
            f"{controls + queries} images are needed, {controls} of them clean; the budget is {budget}"
        )
    answer = watch(faced.answer) if watch else faced.answer
    if goal is not Goal.CLASSIFICATION:
        box = BlackBox(answer, budget, goal=goal)
        return _answered(judge, box, budget) | _spent(box, faced)
    classes = judge.release.structure.classes
    turned = Relabelling(answer, classes)
    box = BlackBox(turned, budget, classes)
    allowed = _allowed(judge, faced, budget)
    said = _said(lambda: _asked(judge, box, turned, faced.network is not None, allowed))
    return {"allowed": allowed} | _spent(box, faced) | said


def _said(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What comes of asking a suspect, which may break off."""
    try:
        return ask()
    except (UnusableAnswer, NotApplicable) as error:
        return {"status": "undecided", "claim": None, "error": str(error)}
    except Unreadable as error:
        return _unreadable(error)


def _answered(judge: Judge, box: BlackBox, budget: int | None) -> dict[str, Any]:
    """A suspect without labels, which no clean images tell apart: the key's questions alone."""
    left = None if budget is None else budget - int(judge.reads["queries"])
    return _said(lambda: {"status": "ok", **judge.judged(box, None, left)})


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


def _part_only(lacking: str) -> dict[str, Any]:
    """No claim on a file that has only a part of the network; it may lack what would make one."""
    return {"claim": False, "reason": f"what the file has of the network does not carry the mark. {lacking}"}


def _asked(
    judge: Judge, box: BlackBox, turned: Relabelling, at_hand: bool, budget: int | None
) -> dict[str, Any]:
    """Controls first; the key's images only if the suspect knows the task.

    Args:
        at_hand: whether the network is held as its owner builds it; what only answers may want other images.
    """
    owner, reads = judge.owner, judge.reads
    knowing, constant = introduced(box, turned, owner.controls.to(judge.device), reads.get("knows"))
    order = None if turned.order is None else turned.order.tolist()
    controls = knowing.to_dict() | ({} if order is None else {"order": order})
    if not knowing.powerful:
        return {"status": "undecided", "controls": controls, "claim": None, "error": knowing.reason}
    if knowing.knows:
        left = None if budget is None else budget - knowing.n - int(reads["queries"])
        return {"status": "ok", **judge.judged(box, knowing, left), "controls": controls}
    reason = f"{knowing.reason}, so what it says of triggers would prove nothing; none was sent"
    if constant or at_hand:
        return {"status": "ok", "controls": controls, "claim": False, "reason": reason}
    doubt = f"{reason}. It is another network, or it wants its images otherwise: {OTHERWISE}"
    return {"status": "undecided", "controls": controls, "claim": None, "error": doubt}


def _allowed(judge: Judge, faced: Faced, budget: int | None) -> int | None:
    """Images that may be sent: the budget; to a service without one, no more decoys than the rate takes."""
    if budget is not None or faced.endpoint is None or judge.sequential:
        return budget
    return len(judge.owner.controls) + int(judge.reads["queries"]) * (1 + fewest_decoys(judge.rate))


def _spent(box: BlackBox, faced: Faced) -> dict[str, Any]:
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
