"""Damaged stores: what cannot be trusted is computed again or named; nothing hangs, no number changes."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ownmark.errors import Unwritable
from ownmark.runner import run
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


DAMAGES = [emptied, file_for_folder, loose_link, pipe, pipe_for_folder, deep, folder_for_file, cut, flipped, other_type,
           missing, unlisted]  # fmt: skip


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


@pytest.mark.slow
def test_a_thousand_damaged_stores(sound: Path, tmp_path: Path) -> None:
    wrong = []
    for number in range(int(os.environ.get("OWNMARK_MUTATIONS", "1000"))):
        rng = random.Random(f"{SEED} {number}")
        damage, folder = rng.choice(DAMAGES), tmp_path / str(number)
        damaged(sound, folder, damage, rng)
        if again(folder).failed or numbers(folder) != numbers(sound):
            wrong.append((number, damage.__name__))
        shutil.rmtree(folder)
    assert not wrong


@pytest.mark.parametrize("place", ["store", "store/host", "run", "run/records"])
def test_a_file_where_a_folder_belongs_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "p.yaml").write_text(PLAN)
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("a file")
    with pytest.raises(Unwritable, match=r"run|store"):
        again(tmp_path)
    assert (tmp_path / place).read_text() == "a file"
