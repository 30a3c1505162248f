"""Damaged stores: what cannot be trusted is computed again or named; nothing hangs, no number changes."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.hostile.timed import Waited, within

from ownmark.errors import Unwritable
from ownmark.runner import run
from ownmark.runner.shapes import FILES, SHAPES
from ownmark.testing.fakes import with_fakes

PLAN = """
tasks: [{dataset: {digits: {limit_train: 120, limit_test: 40}}, host: {convnet: {width: 0.25, recipe: {epochs: 1}}}}]
schemes: [fake-signs]
verdict: {null_models: 1, keys: 2}
"""
SEED = int(os.environ.get("OWNMARK_MUTATION_SEED", "0"))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plan, its store and its run."""
    folder = tmp_path_factory.mktemp("sound")
    (folder / "p.yaml").write_text(PLAN)
    assert not again(folder).failed
    return folder


def again(folder: Path) -> Any:
    return run(
        folder / "p.yaml", out=folder / "run", store=folder / "store", device="cpu", catalog=with_fakes()
    )


def numbers(folder: Path) -> dict[str, Any]:
    """The records without times."""
    found = {}
    for path in sorted((folder / "run" / "records").glob("*.json")):
        record = json.loads(path.read_text())
        record.get("cost", {}).pop("seconds", None)
        found[path.name] = record
    return found


def emptied(entry: Path, rng: random.Random) -> None:
    """A manifest that lists nothing, and values that were changed."""
    manifest = json.loads((entry / "manifest.json").read_text())
    (entry / "manifest.json").write_text(json.dumps({**manifest, "files": {}}))
    (entry / "values.json").write_text('{"value": 1.0, "higher_is_better": true, "cost": {"seconds": 0}}')


def file_for_folder(entry: Path, rng: random.Random) -> None:
    shutil.rmtree(entry)
    entry.write_text("a file")


def loose_link(entry: Path, rng: random.Random) -> None:
    shutil.rmtree(entry)
    entry.symlink_to("/nowhere")


def pipe(entry: Path, rng: random.Random) -> None:
    victim = rng.choice(sorted(entry.iterdir()))
    victim.unlink()
    os.mkfifo(victim)


def pipe_for_folder(entry: Path, rng: random.Random) -> None:
    shutil.rmtree(entry)
    os.mkfifo(entry)


def deep(entry: Path, rng: random.Random) -> None:
    rng.choice(sorted(entry.glob("*.json"))).write_text("[" * 200_000)


def folder_for_file(entry: Path, rng: random.Random) -> None:
    victim = rng.choice(sorted(entry.iterdir()))
    victim.unlink()
    victim.mkdir()


def cut(entry: Path, rng: random.Random) -> None:
    victim = rng.choice(sorted(entry.iterdir()))
    data = victim.read_bytes()
    victim.write_bytes(data[: rng.randrange(len(data))])


def flipped(entry: Path, rng: random.Random) -> None:
    victim = rng.choice([one for one in sorted(entry.iterdir()) if one.name != "manifest.json"])
    data = bytearray(victim.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    victim.write_bytes(data)


def other_type(entry: Path, rng: random.Random) -> None:
    victim = rng.choice(["manifest.json", "values.json"])
    (entry / victim).write_text(rng.choice(["[]", "3", "null", '"x"', '{"files": 3}', "{}", "", "\x00"]))


def missing(entry: Path, rng: random.Random) -> None:
    rng.choice(sorted(entry.iterdir())).unlink()


def unlisted(entry: Path, rng: random.Random) -> None:
    (entry / "exhibits.safetensors").write_bytes(b"x")


def summed(entry: Path) -> None:
    """Write the manifest anew, as if the files were right."""
    manifest = json.loads((entry / "manifest.json").read_text())
    files = [path for path in sorted(entry.iterdir()) if path.name != "manifest.json"]
    manifest["files"] = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    (entry / "manifest.json").write_text(json.dumps(manifest))


def required(entry: Path, values: dict[str, Any], rng: random.Random) -> tuple[dict[str, Any], str]:
    """A mapping in the values and a key that it must have."""
    shape: Any = {"cost": {"seconds": None, "samples_seen": None}, **SHAPES[entry.parents[1].name]}
    while True:
        key = rng.choice(sorted(shape))
        if not isinstance(shape[key], dict) or rng.random() < 0.3:
            return values, key
        values, shape = values[key], shape[key]


def keyless(entry: Path, rng: random.Random) -> None:
    values = json.loads((entry / "values.json").read_text())
    holder, key = required(entry, values, rng)
    del holder[key]
    (entry / "values.json").write_text(json.dumps(values))
    summed(entry)


def retyped(entry: Path, rng: random.Random) -> None:
    values = json.loads((entry / "values.json").read_text())
    holder, key = required(entry, values, rng)
    holder[key] = rng.choice([[{}], [[["x"]]], [None, 1], [[1, None]]])
    (entry / "values.json").write_text(json.dumps(values))
    summed(entry)


def fileless(entry: Path, rng: random.Random) -> None:
    files = FILES.get(entry.parents[1].name, ())
    if files:
        (entry / f"{rng.choice(files)}.safetensors").unlink()
        summed(entry)
    else:
        keyless(entry, rng)


DAMAGES = [emptied, file_for_folder, loose_link, pipe, pipe_for_folder, deep, folder_for_file, cut, flipped, other_type,
           missing, unlisted, keyless, retyped, fileless]  # fmt: skip


def damaged(
    sound: Path, folder: Path, damage: Callable[[Path, random.Random], None], rng: random.Random
) -> None:
    shutil.copytree(sound, folder)
    damage(rng.choice(sorted((folder / "store").glob("*/??/*[0-9a-f]"))), rng)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda one: one.__name__)
def test_a_damaged_entry_is_computed_again(
    sound: Path, tmp_path: Path, damage: Callable[[Path, random.Random], None]
) -> None:
    damaged(sound, tmp_path / "d", damage, random.Random(f"{SEED} {damage.__name__}"))
    assert not again(tmp_path / "d").failed
    assert numbers(tmp_path / "d") == numbers(sound)


@pytest.mark.parametrize("stage", ["host", "marked", "utility", "evidence", "threshold", "judged"])
@pytest.mark.parametrize("damage", [keyless, retyped], ids=lambda one: one.__name__)
def test_an_entry_that_was_edited_and_summed_up_is_computed_again_once(
    sound: Path, tmp_path: Path, damage: Callable[[Path, random.Random], None], stage: str
) -> None:
    folder = Path(shutil.copytree(sound, tmp_path / "d"))
    for number, entry in enumerate(sorted((folder / "store" / stage).glob("??/*[0-9a-f]"))):
        damage(entry, random.Random(f"{SEED} {damage.__name__} {stage} {number}"))
    assert not again(folder).failed
    assert numbers(folder) == numbers(sound)
    before = (folder / "run" / "journal.jsonl").read_text()
    again(folder)
    assert (folder / "run" / "journal.jsonl").read_text() == before


@pytest.mark.parametrize("place", ["exhibits", "records"])
def test_nothing_is_removed_through_a_link(sound: Path, tmp_path: Path, place: str) -> None:
    folder, elsewhere = Path(shutil.copytree(sound, tmp_path / "d")), tmp_path / "elsewhere"
    elsewhere.mkdir()
    theirs = [elsewhere / name for name in ("theirs.png", "0123456789ab.json", "x.json.99999.tmp")]
    for path in theirs:
        path.write_text("theirs")
    shutil.rmtree(folder / "run" / place, ignore_errors=True)
    (folder / "run" / place).symlink_to(elsewhere)
    assert not again(folder).failed
    assert [path.read_text() for path in theirs] == ["theirs"] * 3


def outcome(sound: Path, folder: Path) -> str:
    """`same`, or what went wrong."""
    try:
        with within(120):
            failed = again(folder).failed
    except Waited:
        return "hang"
    except Exception as error:
        return f"traceback: {type(error).__name__}: {error}"[:300]
    if failed:
        return f"failed: {failed[0]['error']['message']}"[:300]
    return "same" if numbers(folder) == numbers(sound) else "another number"


@pytest.mark.slow
def test_a_thousand_damaged_stores(sound: Path, tmp_path: Path) -> None:
    count, wrong = int(os.environ.get("OWNMARK_MUTATIONS", "1000")), []
    for number in range(count):
        rng = random.Random(f"{SEED} {number}")
        damage, folder = rng.choice(DAMAGES), tmp_path / str(number)
        damaged(sound, folder, damage, rng)
        said = outcome(sound, folder)
        if said != "same":
            wrong.append((number, damage.__name__, said))
        shutil.rmtree(folder)
    print(f"{count} damaged stores, {len(wrong)} wrong: {wrong}")
    assert not wrong


@pytest.mark.parametrize("place", ["store", "store/host", "run", "run/records"])
def test_a_file_where_a_folder_belongs_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "p.yaml").write_text(PLAN)
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("a file")
    with pytest.raises(Unwritable, match=r"run|store"):
        again(tmp_path)
    assert (tmp_path / place).read_text() == "a file"
