"""A process that has imported everything and forks a child for each run that it is asked for.

Reads one JSON line `{"plan": ..., "out": ..., "store": ..., "seconds": ...}` at a time, kills the child after so many
seconds if any are given, and answers with its exit status as `os.waitpid` puts it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytorch_lightning  # noqa: F401
import torchmetrics  # noqa: F401

from ownmark.discovery import discover
from ownmark.methods import Kind
from ownmark.runner import run


def serve() -> None:
    """Until the input ends."""
    catalog = discover()
    for method in catalog.methods:
        if method.kind is not Kind.PLAN and method.pack in ("core", "whitebox", "triggers", "repair"):
            method.load()
    threads = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
    print(json.dumps({"threads": threads}), flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if not child:
            finished = run(job["plan"], out=Path(job["out"]), store=Path(job["store"]), device="cpu")
            os._exit(1 if finished.failed else 0)
        if job["seconds"] is not None:
            time.sleep(job["seconds"])
            os.kill(child, signal.SIGKILL)  # our own child, not waited for yet, so the id is still its own
        print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    serve()
