"""Files in pieces, for machines that take only so much at a time, and back: `parts.py split FOLDER OUT FILE...` here,
`parts.py join PARTS FOLDER` there.

`split` writes `part0.bin`, `part1.bin`, ... and `parts.json` with the SHA-256 of every file. `join` writes a file only
if its parts add up to that hash.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

SIZE = 42 * 2**20
"""Bytes of a part: below 45 MB."""
INDEX = "parts.json"


def split(folder: Path, out: Path, names: Sequence[str], size: int = SIZE) -> list[Path]:
    """Cut files of a folder into parts of at most `size` bytes.

    Returns: the parts, the index last.
    """
    out.mkdir(parents=True, exist_ok=True)
    index, parts = {}, list[Path]()
    for name in names:
        raw = (folder / name).read_bytes()
        pieces = [raw[start : start + size] for start in range(0, len(raw), size)]
        paths = [out / f"part{len(parts) + i}.bin" for i in range(len(pieces))]
        for path, piece in zip(paths, pieces, strict=True):
            path.write_bytes(piece)
        parts += paths
        index[name] = {"sha256": hashlib.sha256(raw).hexdigest(), "parts": [path.name for path in paths]}
    (out / INDEX).write_text(json.dumps(index, indent=1), encoding="utf-8")
    return [*parts, out / INDEX]


def join(parts: Path, folder: Path) -> list[Path]:
    """Put the files of an index together again.

    Raises:
        ValueError: a part is missing or changed; that file is not written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, about in json.loads((parts / INDEX).read_text(encoding="utf-8")).items():
        if Path(name).name != name or any(Path(part).name != part for part in about["parts"]):
            raise ValueError(f"{name}: the index names files outside of its folder")
        missing = [part for part in about["parts"] if not (parts / part).is_file()]
        if missing:
            raise ValueError(f"{name}: {', '.join(missing)} not in {parts}")
        raw = b"".join((parts / part).read_bytes() for part in about["parts"])
        if hashlib.sha256(raw).hexdigest() != about["sha256"]:
            raise ValueError(f"{name}: its parts do not add up to the file that was split")
        written.append(_write(folder / name, raw))
    return written


def _write(path: Path, raw: bytes) -> Path:
    handle, scratch = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(raw)
    os.replace(scratch, path)
    return path


def main() -> int:
    """Split or join; 2 with a sentence if that cannot be."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    cut = commands.add_parser("split")
    cut.add_argument("folder", type=Path)
    cut.add_argument("out", type=Path)
    cut.add_argument("files", nargs="+")
    back = commands.add_parser("join")
    back.add_argument("parts", type=Path)
    back.add_argument("folder", type=Path)
    options = parser.parse_args()
    try:
        if options.command == "split":
            done = split(options.folder, options.out, options.files)
        else:
            done = join(options.parts, options.folder)
    except (OSError, ValueError) as error:
        print(f"error: {error}")
        return 2
    print("\n".join(map(str, done)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
