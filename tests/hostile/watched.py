"""Runs `ownmark` under an audit hook and says what it imported, opened, started and connected to.

    python watched.py WARM-UP COMMAND    (each a JSON list of arguments)

The warm-up does the same thing with harmless input, so that what the second command adds is the input's doing.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from ownmark.cli import main

seen: list[tuple[str, str]] = []
watching = False
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHANGES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "shutil.rmtree")
STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect", "socket.bind",
          "socket.getaddrinfo", "urllib.Request", "ctypes.dlopen", "pickle.find_class")  # fmt: skip


def hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not watching:
        return
    if event == "import":
        seen.append(("import", str(arguments[0])))
    elif event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
        writes = isinstance(arguments[2], int) and arguments[2] & WRITES
        seen.append(("write" if writes else "read", os.path.abspath(os.fsdecode(arguments[0]))))
    elif event in CHANGES:
        seen.append(("change", os.path.abspath(os.fsdecode(arguments[0]))))
    elif event in STARTS:
        seen.append(("start", f"{event} {arguments!r:.80}"))


def run(arguments: list[str]) -> dict[str, Any]:
    global watching, seen
    seen = []
    watching = True
    done = CliRunner().invoke(main, arguments)
    watching = False
    return {"code": done.exit_code, "output": done.output, "seen": seen, "error": repr(done.exception)}


if __name__ == "__main__":
    sys.addaudithook(hook)
    sys.path.insert(0, str(Path.cwd()))
    run(json.loads(sys.argv[1]))
    print("\n" + json.dumps(run(json.loads(sys.argv[2]))))
