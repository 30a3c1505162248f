"""Which files of a folder are which class: one directory a class, below `train` and `test` or directly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ownmark.errors import DataError

_TESTS = ("test", "val", "valid", "validation")
_IGNORED = {"thumbs.db", "desktop.ini"}
_SHOWN = 5


@dataclass(frozen=True)
class Listing:
    """Files of both splits, class by class and in the order of their names.

    Args:
        root: what the files lie below. classes: names, in the order of the labels.
        files: (file, label) by split. strays: files of other kinds, where only samples belong.
    """

    root: Path
    classes: tuple[str, ...]
    files: Mapping[str, Sequence[tuple[Path, int]]]
    strays: tuple[Path, ...]

    def stamp(self) -> list[tuple[str, str, int, int, int, int]]:
        """Split, path, label, size and both times of change of every file: what a cache is recognised by.

        Copies and archives bring the date of their content along; the other time says when they were put there.
        """
        rows = [(split, path, label) for split, files in self.files.items() for path, label in files]
        rows += [("stray", path, -1) for path in self.strays]
        found = []
        for split, path, label in rows:
            stat = path.stat()
            name = str(path.relative_to(self.root))
            found.append((split, name, label, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
        return found


def list_files(root: Path, suffixes: frozenset[str], test_share: float) -> Listing:
    """Look through a folder.

    Args:
        suffixes: in lower case, of the files that are samples.
        test_share: of each class, drawn once and for all, where there is no folder `test` (or `val`).

    Raises:
        DataError: no such folder, fewer than two classes, a class without files, a test class without training.
    """
    if not root.is_dir():
        where = "" if root.is_absolute() else f"; looked for in the working folder, {Path.cwd()}"
        raise DataError(f"{root}: no such folder{where}")
    test = next((root / name for name in _TESTS if (root / name).is_dir()), None)
    if not (root / "train").is_dir() or test is None:
        names, found, strays = _classes(root, suffixes)
        divided = [_held_back(files, test_share) for files in found]
        parts = {"train": [train for train, _ in divided], "test": [held for _, held in divided]}
    else:
        names, found, strays = _classes(root / "train", suffixes)
        tested, held_files, more = _classes(test, suffixes)
        if unknown := sorted(set(tested) - set(names)):
            raise DataError(f"{test}: {_some(unknown)}: no such class below {root / 'train'}")
        held = dict(zip(tested, held_files, strict=True))
        parts, strays = {"train": found, "test": [held.get(name, []) for name in names]}, [*strays, *more]
    files = {
        split: [(path, y) for y, some in enumerate(one) for path in some] for split, one in parts.items()
    }
    if not files["test"]:
        raise DataError(f"{root}: nothing to test on; raise `test_share` or add a folder `test`")
    return Listing(root, tuple(names), files, tuple(strays))


def _classes(folder: Path, suffixes: frozenset[str]) -> tuple[list[str], list[list[Path]], list[Path]]:
    """Names of the classes below a folder, the files of each, and what is no sample."""
    folders = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    every = [list(_seen(path)) for path in folders]
    kinds = [[path for path in files if path.suffix.lower() in suffixes] for files in every]
    if empty := [path.name for path, files in zip(folders, kinds, strict=True) if not files]:
        kind = ", ".join(sorted(suffixes))
        raise DataError(f"{folder}: no file ({kind}) in the folder of class {_some(empty)}")
    if len(folders) < 2:
        found = _some([path.name for path in folders]) or "none"
        raise DataError(f"{folder}: expected a folder for each of at least 2 classes, found {found}")
    strays = [path for files in every for path in files if path.suffix.lower() not in suffixes]
    return [path.name for path in folders], kinds, strays


def _seen(folder: Path) -> Iterator[Path]:
    """Files below a folder, sorted; not hidden ones and what file managers leave behind."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and path.name.lower() not in _IGNORED:
            yield path


def _held_back(files: Sequence[Path], share: float) -> tuple[list[Path], list[Path]]:
    """What is left to train on, and the share to test on: always the same files, and never all of them."""
    count = min(len(files) - 1, round(share * len(files)))
    held = set(np.random.default_rng(0).permutation(len(files))[:count].tolist())
    split: tuple[list[Path], list[Path]] = ([], [])
    for position, path in enumerate(files):
        split[position in held].append(path)
    return split


def _some(names: Sequence[str]) -> str:
    """The first few of many names."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def refuse_bad(root: Path, bad: Mapping[Path, str]) -> DataError:
    """The error that names files which cannot be read, with the reasons."""
    told = [f"{path.relative_to(root)} ({why})" for path, why in bad.items()]
    return DataError(
        f"{root}: {len(bad)} bad files: {_some(told)}; mend or remove them, or set `skip_bad: true`"
        if len(bad) > 1
        else f"{root}: 1 bad file: {told[0]}; mend or remove it, or set `skip_bad: true`"
    )
