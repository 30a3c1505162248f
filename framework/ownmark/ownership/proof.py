"""Evidence for a third party: a folder that says what was asked, what was answered, and what follows.

    owner/       key, controls, claim; commitment and secret of a derived key     released/  model.json
    transcript.safetensors   verdict.json   statement.json   index.html   sums.json

`judge` recomputes the verdict from it and trusts nothing that it can draw or count itself. The folder shows the key:
whoever has it can forge the mark, so it is given to a judge, not published. `statement.json` is what may be published.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ownmark import strictjson
from ownmark.discovery import Catalog, discover
from ownmark.errors import NotApplicable, OwnmarkError, UntrustedFile
from ownmark.foreign import shown
from ownmark.ownership.claimed import checked_verdict
from ownmark.ownership.commitment import PUBLIC
from ownmark.ownership.folder import appearing, inside, require_vacant
from ownmark.ownership.page import page
from ownmark.ownership.stamps import STAMP, read_stamp
from ownmark.ownership.sums import require_sums, write_sums
from ownmark.ownership.transcript import FILE, Recorder, Replay
from ownmark.ownership.verifying import Suspected, verify
from ownmark.runner.places import require_writable, writing

VERDICT, STATEMENT, PAGE = "verdict.json", "statement.json", "index.html"
DECIDING = (
    "claim", "hits", "n", "theta", "stated_rate", "p_value", "p_nulls", "p_exact", "p_decoys", "decoys", "decided_by",
    "controls", "key", "derived", "reason",
)  # fmt: skip
"""Fields of a verdict that a judge must find again."""


def evidence(mark: Path, suspect: Suspected, into: Path, **options: Any) -> dict[str, Any]:
    """Ask a suspect, and leave a folder that a judge can recompute the verdict from.

    Args:
        mark, suspect, options: as for `verify`. into: the folder to make.

    Returns: the verdict's record.

    Raises:
        OwnmarkError: as for `verify`; Unwritable: nothing can be written there, which is tried before anybody is asked.
    """
    record, recorder = gathered(mark, suspect, into, **options)
    write_evidence(mark, into, record, recorder)
    return record


def gathered(mark: Path, suspect: Suspected, into: Path, **options: Any) -> tuple[dict[str, Any], Recorder]:
    """The verdict's record, and what was asked and answered; nothing is written yet."""
    require_vacant(into)
    require_writable(into.parent, "--into")
    recorder = Recorder()
    return verify(mark, suspect, watch=recorder.watching, **options), recorder


def write_evidence(mark: Path, into: Path, record: Mapping[str, Any], recorder: Recorder) -> None:
    """The folder for a judge: readable by its owner alone, since it shows the key.

    Raises:
        Unwritable: a full disk.
    """
    with writing(into), appearing(into, private=True) as folder:
        (folder / "released").mkdir()
        shutil.copytree(mark / "owner", folder / "owner")
        shutil.copy(mark / "released" / "model.json", folder / "released" / "model.json")
        if record["own_copy"]:
            shutil.copy(mark / "released" / "model.safetensors", folder / "released" / "model.safetensors")
        recorder.write(folder)
        (folder / VERDICT).write_text(_text(record))
        (folder / STATEMENT).write_text(_text(statement(record, folder)))
        (folder / PAGE).write_text(page(record), encoding="utf-8")
        write_sums(folder)
        for path in folder.rglob("*"):
            path.chmod(0o700 if path.is_dir() else 0o600)


def statement(record: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The public claim as an in-toto statement (v1), which model signing can carry beside a model; without secrets."""
    sha256 = record["suspect"].get("sha256")
    if sha256:
        subject = {"name": str(record["suspect"]["given"]), "digest": {"sha256": sha256}}
    else:  # a service shows no artefact: the claim is then about what it said
        digest = hashlib.sha256((folder / FILE).read_bytes()).hexdigest()
        subject = {"name": FILE, "digest": {"sha256": digest}}
    public = ("claim", "stated_rate", "p_value", "p_decoys", "derived", "access", "queries")
    predicate = {name: record.get(name) for name in public} | {"suspect": str(record["suspect"]["given"])}
    hashed = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (folder / "owner" / "claim.json", folder / FILE, folder / VERDICT)
    }
    return {
        "_type": "https://in-toto.io/Statement/v1", "subject": [subject], "predicateType": "urn:ownmark:claim:1",
        "predicate": {**predicate, "scheme": record["scheme"]["id"], "ownmark": record["provenance"]["ownmark"],
                      "evidence": hashed},
    }  # fmt: skip


def judge(
    folder: Path,
    suspect: Suspected | None = None,
    *,
    device: str = "cpu",
    trust_mark: bool = False,
    roots: Sequence[Path] = (),
    catalog: Catalog | None = None,
) -> dict[str, Any]:
    """Recompute a verdict from a folder of evidence; with the suspect at hand, ask it again.

    Args:
        trust_mark: code and files that the folder names may be used; the suspect's may not.
        roots: PEM files of certificates under which the commitment's time stamp must be signed.

    Returns: the verdict found, with `agrees`: what was recomputed, in words; `asked_again`: the suspect's new verdict.

    Raises:
        UntrustedFile: a byte was changed since the folder was written, or the verdict does not follow; says which.
        NotApplicable: the mark is read from weights, and no suspect is given.
    """
    require_sums(folder)
    told = checked_verdict(_read(folder), str(folder / VERDICT))
    catalog = catalog or discover()
    options: dict[str, Any] = {
        "reader": told["reader"], "rate": told["judged_at"], "sequential": told["sequential"],
        "device": device, "trust_mark": trust_mark, "catalog": catalog,
    }  # fmt: skip
    agrees = ["no byte was changed since the folder was written"]
    again, unused = None, 0
    if told["access"] == "black-box":
        replay = Replay(folder)
        former = _looked_twice(told)
        found = verify(folder, replay, budget=told["allowed"], former=former, **options)
        why = told.get("unreadable") or told.get("error")
        if replay.strayed and why and not told["claim"]:
            raise NotApplicable(f"{folder}: the suspect gave no answers to judge by: {shown(why, 600)}")
        if replay.strayed:
            raise UntrustedFile(f"{folder / FILE}: does not hold what the key and the fresh keys ask")
        unused = replay.total - replay.used
        agrees.append(f"{replay.used} questions are those of the controls, the key and its decoys")
        if suspect is not None:
            again = verify(folder, suspect, budget=told["allowed"], **options)
    elif suspect is None:
        raise NotApplicable(f"{folder}: this mark is read from weights; give the suspect's file as well")
    else:
        found = verify(folder, suspect, **options)
        if found["suspect"].get("sha256") != told["suspect"].get("sha256"):
            raise UntrustedFile(f"{suspect}: is not the file that the verdict is about")
    if wrong := [name for name in DECIDING if _plain(found.get(name)) != _plain(told.get(name))]:
        raise UntrustedFile(f"{folder / VERDICT}: {', '.join(wrong)} do not follow from the evidence")
    if unused:
        raise UntrustedFile(f"{folder / FILE}: {unused} questions too many")
    agrees.append("the verdict follows from the answers")
    if found.get("basis") in ("rank", "shape"):
        agrees.append("the stated rate rests on null models, and what these showed is the owner's word")
    agrees.append(_derivation(found))
    if found["derived"] is not None:
        agrees.append(_stamped(folder / "owner", roots))
    return found | {"suspect": told["suspect"], "agrees": agrees, "asked_again": again}


def _read(folder: Path) -> Any:
    path = inside(folder, VERDICT)
    try:
        return strictjson.read(path)
    except (OSError, ValueError) as error:
        raise UntrustedFile(f"{path}: cannot be read ({shown(error)})") from error


def _looked_twice(told: Mapping[str, Any]) -> bool:
    """Whether an earlier version asked, by two looks at half the rate each."""
    decoys = told.get("decoys")
    return isinstance(decoys, Mapping) and decoys.get("looks") == 2


def _derivation(found: Mapping[str, Any]) -> str:
    if found["derived"] is None:
        return "the owner may have chosen the key, which was not derived from a commitment: so far, the owner's word"
    return f"the key {found['derived']['key']} (randomness: {found['derived']['randomness']})"


def _stamped(owner: Path, roots: Sequence[Path]) -> str:
    """When the commitment existed, in words; a stamp that is there must be one of it."""
    path = owner / STAMP
    if not path.exists():
        if roots:
            raise UntrustedFile(f"{path}: the commitment carries no time stamp that a root could be asked of")
        return "the commitment carries no time stamp; when it was made must be shown otherwise"
    try:
        return f"the commitment existed at {read_stamp(path, (owner / PUBLIC).read_bytes(), roots)}"
    except UntrustedFile:
        raise
    except OwnmarkError as error:
        if roots:
            raise
        return f"the commitment's time stamp was not read ({error})"


def _text(data: Any) -> str:
    return json.dumps(data, indent=1, sort_keys=True)


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))
