"""Whoever is killed leaves what he writes whole or not at all, in nobody's way, and the same again ends it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from tests.killing import killed, overtaken
from tests.report.fakes import quickstart, write_run

from ownmark import newpack
from ownmark.cli import asking
from ownmark.errors import OwnmarkError
from ownmark.ownership import adding
from ownmark.ownership.commitment import Secret, read_commitment, write_commitment
from ownmark.ownership.embedding import secret_in
from ownmark.ownership.folder import Claim, appearing
from ownmark.ownership.mine import is_mine, remember
from ownmark.ownership.secrecy import working
from ownmark.ownership.sums import complete, write_sums
from ownmark.ownership.verifying import _opened
from ownmark.report import read_run, write, write_report
from ownmark.runner.keeping import entries, remove
from ownmark.runner.mirrored import MIRROR, Mirrored
from ownmark.runner.store import Contents, Store

DIGEST = "ab" * 32
CONTENTS = Contents({"a": 1}, {"network": {"w": torch.zeros(3)}})
MARK = Path(__file__).parent / "fixtures" / "v0.1-graph" / "mark"


def nothing(folder: Path) -> None:
    """What there is before, and what nobody looks at."""


@dataclass(frozen=True)
class Writing:
    """What writes something below a folder.

    Args:
        act: writes; a second time, it may say that there is one. before: puts there what it meets. look: a reader.
    """

    act: Callable[[Path], object]
    before: Callable[[Path], object] = nothing
    look: Callable[[Path], object] = nothing


def sound(store: Store) -> None:
    if ("host", DIGEST) in store:
        assert store.read("host", DIGEST).values == CONTENTS.values


def entry(folder: Path) -> None:
    (store := Store(folder)).sweep()
    store.write("host", DIGEST, CONTENTS, {})


def ruin(folder: Path) -> None:
    (place := Store(folder).path("host", DIGEST)).mkdir(parents=True)
    (place / "values.json").write_text("{")


def discard(folder: Path) -> None:
    (store := Store(folder)).sweep()
    store.discard("host", DIGEST)


def machine(folder: Path, name: str = "here") -> Mirrored:
    """A store at an address, as a machine of that name sees it."""
    os.environ[MIRROR] = str(folder / name)
    return Mirrored(f"file://{folder}/far")


def remote(folder: Path) -> None:
    (store := machine(folder)).try_out()
    store.sweep()
    if ("host", DIGEST) in store:
        store.read("host", DIGEST)
    else:
        store.write("host", DIGEST, CONTENTS, {})


def fetched(folder: Path) -> None:
    (store := machine(folder, "elsewhere")).sweep()
    store.read("host", DIGEST)


def pruned(folder: Path) -> None:
    (store := machine(folder)).sweep()
    remove(store, list(entries(store)))


def from_a_third(folder: Path) -> None:
    sound(machine(folder, "third"))
    shutil.rmtree(folder / "third")


def record(folder: Path) -> None:
    asking._write(folder / "verdict.json", {"claim": True})


def committed(folder: Path) -> None:
    write_commitment(folder / "sworn", Secret("ab" * 32, "cd" * 16), {"x": 1}, lambda public: b"stamp")


def is_sworn(folder: Path) -> None:
    if (folder / "sworn").exists():
        read_commitment(folder / "sworn")


def embedded(folder: Path) -> None:
    """As `embed` ends."""
    with working(folder / "mark", "owner/claim.json") as work:
        secret_in(work / "secret")
        with appearing(folder / "mark") as made:
            for name in ("released/model.json", "owner/claim.json"):
                (made / name).parent.mkdir()
                shutil.copy(MARK / name, made / name)
            remember(made)


def is_known(folder: Path) -> None:
    if (folder / "mark").exists():
        assert is_mine(folder / "mark")


def owned(folder: Path) -> None:
    shutil.copytree(MARK, folder / "mark")
    remember(folder / "mark")


def sealed(folder: Path) -> None:
    owned(folder)
    write_sums(folder / "mark" / "owner")


def joined(folder: Path) -> None:
    """As `add_reader` begins and ends."""
    complete(folder / "mark" / "owner")
    about = Claim.read(folder / "mark" / "owner").about
    if "another" in about["readers"]:
        raise OwnmarkError("has it already")
    first = next(iter(about["readers"].values()))
    adding._write(
        folder / "mark", about | {"readers": {**about["readers"], "another": first}}, about, mine=True
    )


def opened(folder: Path) -> None:
    _opened(folder / "mark")
    assert is_mine(folder / "mark")


def a_run(folder: Path) -> None:
    write_run(folder / "run", quickstart()[0][:1])


def decoded(folder: Path) -> None:
    pytest.importorskip("PIL")
    from ownmark.builtin.datasets.config import FolderConfig
    from ownmark.builtin.datasets.image_folder import ImageFolder

    os.environ["OWNMARK_CACHE"] = str(folder / "cache")
    ImageFolder(FolderConfig(path=folder.parent / "images")).load()


def pictures(folder: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for name in ("train/a", "train/b", "test/a", "test/b"):
        place = folder.parent / "images" / name / "0.png"
        if not place.exists():
            place.parent.mkdir(parents=True)
            image.new("L", (2, 2)).save(place)


def damaged(folder: Path) -> None:
    pictures(folder)
    decoded(folder)
    (made,) = (folder / "cache").iterdir()
    (made / "about.json").write_text("{")


WRITINGS = {
    "an entry over a ruin": Writing(entry, ruin),
    "a removal": Writing(discard, entry, lambda folder: sound(Store(folder))),
    "an entry at an address": Writing(remote, look=from_a_third),
    "a fetched entry": Writing(fetched, remote, from_a_third),
    "a removal at an address": Writing(pruned, remote, from_a_third),
    "a decoded folder": Writing(decoded, pictures),
    "a decoded folder over a ruin": Writing(decoded, damaged),
    "a report": Writing(
        lambda folder: write_report(folder / "run"), a_run, lambda folder: read_run(folder / "run")
    ),
    "a verdict": Writing(record),
    "a pack": Writing(lambda folder: newpack.create_pack("acme-killed", folder, "attack")),
    "a commitment": Writing(committed, look=is_sworn),
    "a mark": Writing(embedded, look=is_known),
    "a reader of a derived key": Writing(joined, sealed, opened),
}


def found(folder: Path) -> dict[str, bytes]:
    """Everything below a folder."""
    paths = sorted(folder.rglob("*"))
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in paths}


@pytest.fixture(params=WRITINGS)
def writing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Writing:
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # no machine loses its power here
    monkeypatch.setattr(write, "heat_map", lambda grid: b"a picture")
    monkeypatch.setattr(
        newpack, "_texts", lambda kind: {"pyproject.toml": "", "acme_marks/plan.yaml": "x: 1"}
    )
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in (MIRROR, "OWNMARK_CACHE"):
        monkeypatch.setenv(name, "")
    return WRITINGS[request.param]


@pytest.fixture
def scene(writing: Writing, tmp_path: Path) -> Callable[[], Path]:
    """Sets the scene anew."""

    def make() -> Path:
        for name in ("state", "place"):
            shutil.rmtree(tmp_path / name, ignore_errors=True)
        (tmp_path / "place").mkdir()
        writing.before(tmp_path / "place")
        return tmp_path / "place"

    return make


def again(writing: Writing, folder: Path) -> None:
    """The same once more; what is there already need not be made."""
    try:
        writing.act(folder)
    except OwnmarkError as error:
        if "already" not in str(error):
            raise


def test_wherever_a_writer_is_killed(writing: Writing, scene: Callable[[], Path]) -> None:
    writing.act(folder := scene())
    whole, deaths = found(folder), 0
    for deaths in killed(lambda: writing.act(folder), scene):
        writing.look(folder)
        again(writing, folder)
        writing.look(folder)
        assert found(folder) == whole, f"killed at step {deaths}"
    assert deaths > 1


@pytest.mark.parametrize(
    "writing",
    ["an entry over a ruin", "a decoded folder over a ruin", "a verdict"],
    indirect=True,
)
def test_wherever_another_comes_first(writing: Writing, scene: Callable[[], Path]) -> None:
    writing.act(folder := scene())
    whole, meetings = found(folder), 0
    for meetings in overtaken(lambda: again(writing, folder), lambda: again(writing, folder), scene):
        writing.look(folder)
        assert found(folder) == whole, f"overtaken at step {meetings}"
    assert meetings > 1


@pytest.mark.parametrize("writing", ["a reader of a derived key"], indirect=True)
def test_wherever_somebody_opens_a_mark_that_a_reader_is_added_to(
    writing: Writing, scene: Callable[[], Path]
) -> None:
    writing.act(folder := scene())
    whole, meetings = found(folder), 0
    for meetings in overtaken(lambda: writing.act(folder), lambda: writing.look(folder), scene):
        assert found(folder) == whole, f"opened at step {meetings}"
    assert meetings > 1
