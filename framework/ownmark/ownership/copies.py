"""Many copies of one trained network, each with a mark of its own: whose copy a suspect is, can be told later.

    my-copies/copies.json        who got which; the owner's alone
    my-copies/01-acme/released   to be given to that buyer
    my-copies/01-acme/owner      never

Each folder is a mark like any other. The network is trained once, null models (where a scheme needs them) are shared,
and so are the clean images that suspects are asked about.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ownmark.contracts.samples import Samples
from ownmark.discovery import Catalog, discover
from ownmark.errors import NotApplicable, OwnmarkError, UntrustedFile
from ownmark.foreign import shown
from ownmark.methods import Kind
from ownmark.ownership.embedding import embedded, secret_in, single_plan
from ownmark.ownership.folder import appearing
from ownmark.ownership.secrecy import Discreet, Secrecy, working
from ownmark.runner.device import device_called
from ownmark.runner.engine import Progress
from ownmark.runner.places import require_writable, writing
from ownmark.runner.plan import Entry
from ownmark.runner.progress import Silent
from ownmark.runner.session import PlanSource, checked_session, load_plan

LIST, FORMAT = "copies.json", "ownmark copies 1"
MOST = 10_000
"""Buyers."""


@dataclass(frozen=True)
class Copies:
    """What `embed_copies` made.

    Args:
        folder: one folder a buyer in it. places: names of these folders by buyer. utility: of each marked network.
    """

    folder: Path
    places: Mapping[str, str]
    utility: Mapping[str, Mapping[str, Any]]


def buyers_in(path: Path) -> list[str]:
    """Names of buyers: the column `buyer` of a CSV file, or its only one; semicolons and tabs part columns as well.

    Raises:
        OwnmarkError: no names, one twice, or several columns of which none is called `buyer`.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        between = max(",;\t", key=lines[0].count) if lines else ","
        rows = [row for row in csv.reader(lines, delimiter=between) if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OwnmarkError(f"{path}: cannot be read ({error})") from error
    head = [cell.strip().lower() for cell in rows[0]] if rows else []
    if "buyer" not in head and any(len(row) > 1 for row in rows):
        raise OwnmarkError(f"{path}: several columns, and none of them is called `buyer`")
    at = head.index("buyer") if "buyer" in head else 0
    names = [row[at].strip() if at < len(row) else "" for row in rows[1 if "buyer" in head else 0 :]]
    if not names or not all(names):
        raise OwnmarkError(f"{path}: expected a name of a buyer in every line, or a column `buyer`")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise OwnmarkError(f"{path}: {shown(', '.join(twice), 200)} stands there twice")
    if len(names) > MOST:
        raise OwnmarkError(f"{path}: {len(names)} buyers, {MOST} at most")
    return names


def embed_copies(
    plan: PlanSource,
    into: Path,
    buyers: Sequence[str],
    *,
    max_loss: float | None = None,
    controls: Samples | None = None,
    device: str = "auto",
    progress: Progress | None = None,
    catalog: Catalog | None = None,
) -> Copies:
    """Mark one network once for each buyer; arguments as for `embed`. Killed halfway, the same call goes on.

    Raises:
        PlanError: the plan cannot run. NotApplicable: a mark did not take, or cost too much; nothing is released.
    """
    catalog = catalog or discover()
    parsed, document = load_plan(plan, catalog)
    parsed = replace(parsed, schemes=tuple(_from_trained(entry, catalog) for entry in parsed.schemes))
    single = single_plan(parsed, document, catalog)
    device = str(device_called(device))
    require_writable(into.parent, "--into")
    places = dict(zip(buyers, _places(buyers), strict=True))
    utility = {}
    with working(into, LIST) as work:
        secret = secret_in(work / "secret")
        for buyer, place in places.items():
            own = derived_secret(secret, buyer)
            secrecy = Secrecy(own)
            with secrecy.guarded():
                told = Discreet(progress or Silent(), own)
                session = checked_session(
                    replace(single, seeds=(own,)), document, work, work / "store", device, told, catalog,
                    secrecy.hide, host_seed=secret,
                )  # fmt: skip
                target = work / "copies" / place
                shutil.rmtree(target, ignore_errors=True)  # its stages are in the store
                try:
                    utility[buyer] = embedded(session, target, max_loss=max_loss, controls=controls).utility
                except NotApplicable as error:
                    raise NotApplicable(f"the copy of {shown(buyer, 60)}: {error}") from error
        with writing(into), appearing(into) as folder:
            for place in places.values():
                (work / "copies" / place).rename(folder / place)
            text = json.dumps({"format": FORMAT, "buyers": places}, indent=1, ensure_ascii=False)
            (folder / LIST).write_text(text, encoding="utf-8")
            (folder / LIST).chmod(0o600)
    return Copies(into, places, utility)


def _from_trained(entry: Entry, catalog: Catalog) -> Entry:
    """The scheme, starting from the trained network if it has the choice and the plan leaves it open.

    Some only mark networks that they train; their copies are networks of their own.
    """
    if "start" in entry.params | entry.sweep:
        return entry
    trained = {**entry.params, "start": "trained"}
    try:
        _, _, problems = catalog.validate(Kind.SCHEME, entry.id, trained)
    except OwnmarkError:  # the plan's check says more
        return entry
    return entry if problems else replace(entry, params=trained)


def derived_secret(secret: int, buyer: str) -> int:
    """62 bits of a buyer's own, which tell nothing of the secret or of another buyer's."""
    return int.from_bytes(hashlib.sha256(f"ownmark copy {secret} {buyer}".encode()).digest()[:8], "big") >> 2


def read_copies(folder: Path) -> dict[str, Path]:
    """The marks of a folder that `embed_copies` made, by buyer.

    Raises:
        UntrustedFile: it is no such folder.
    """
    path = folder / LIST
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        places = {str(buyer): str(place) for buyer, place in about["buyers"].items()}
        if about["format"] != FORMAT:
            raise ValueError(f"format {shown(about['format'], 40)}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UntrustedFile(
            f"{path}: no list of copies ({shown(error, 200)}); `ownmark embed --copies` writes one"
        ) from error
    for place in places.values():
        if Path(place).name != place or not (folder / place / "owner").is_dir():
            raise UntrustedFile(f"{path}: names {shown(place, 80)}, which is no mark in this folder")
    return {buyer: folder / place for buyer, place in places.items()}


def _places(buyers: Sequence[str]) -> list[str]:
    """Names of folders: a number and what of the buyer's name every file system takes."""
    width = len(str(len(buyers)))
    found = []
    for number, buyer in enumerate(buyers, start=1):
        plain = re.sub(r"[^a-z0-9]+", "-", buyer.lower()).strip("-")[:40]
        found.append(f"{number:0{width}d}-{plain}" if plain else f"{number:0{width}d}")
    return found
