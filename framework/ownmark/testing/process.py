"""The same method in a fresh interpreter: one worker process that is asked for digests, started when first needed."""

from __future__ import annotations

import atexit
import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import torch

from ownmark.discovery import discover
from ownmark.methods import Declaration, Kind, Need
from ownmark.testing.check import CheckFailed
from ownmark.testing.states import digest_of
from ownmark.testing.subject import Subject

_FIELDS = (
    "id", "target", "summary", "config", "extractor", "smoke", "smoke_host", "idle", "distribution", "requires",
    "version", "api",
)  # fmt: skip
_workers: list[subprocess.Popen[str]] = []


def digest_here(subject: Subject) -> str:
    """Of what the method makes with its smoke arguments: key and network, or suspect."""
    if subject.declaration.kind is Kind.SCHEME:
        embedded = subject.embedding.first
        made = [embedded.key.digest(), digest_of(embedded.state)]
    else:
        made = [digest_of(subject.attacking.first.state)]
    return hashlib.sha256("".join(made).encode()).hexdigest()


def digest_elsewhere(subject: Subject) -> str:
    """The same from another process.

    Raises:
        CheckFailed: it fails there.
    """
    known = set(map(id, discover().methods))
    beside = [method for method in subject.catalog.methods if id(method) not in known]
    request = {"method": _plain(subject.declaration), "beside": [_plain(one) for one in beside]}
    worker = _worker()
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(json.dumps(request) + "\n")
    worker.stdin.flush()
    line = worker.stdout.readline()
    answer = json.loads(line) if line else {"error": "the process ended"}
    if "error" in answer:
        raise CheckFailed(f"{subject.label} fails in a fresh interpreter: {answer['error']}")
    return str(answer["digest"])


def _plain(method: Declaration) -> dict[str, Any]:
    fields = {name: getattr(method, name) for name in _FIELDS}
    fields |= {name: dict(value) for name, value in fields.items() if isinstance(value, Mapping)}
    return fields | {"kind": str(method.kind), "needs": sorted(map(str, method.needs))}


def _declared(plain: Mapping[str, Any]) -> Declaration:
    needs = frozenset(Need(name) for name in plain["needs"])
    return Declaration(**{**plain, "kind": Kind(plain["kind"]), "needs": needs})


def _worker() -> subprocess.Popen[str]:
    """Started once; its answers go over a pipe of its own, since methods may print."""
    if not _workers or _workers[-1].poll() is not None:
        environment = {
            **os.environ, "PYTHONHASHSEED": "4711", "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "OWNMARK_KIT_THREADS": str(torch.get_num_threads()),
        }  # fmt: skip
        command = [sys.executable, "-m", "ownmark.testing.process"]
        _workers.append(
            subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=environment,
            )
        )
        atexit.register(_workers[-1].kill)
    return _workers[-1]


def _answer(line: str) -> dict[str, str]:
    request = json.loads(line)
    base = discover()
    methods = [_declared(one) for one in request["beside"]]
    declaration = _declared(request["method"])
    installed = next(
        (m for m in base.methods if (m.kind, m.name) == (declaration.kind, declaration.name)), None
    )
    catalog = dataclasses.replace(base, methods=(*base.methods, *methods)) if methods else base
    found = next((m for m in catalog.methods if m == declaration), installed or declaration)
    return {"digest": digest_here(Subject(found, catalog))}


def _serve() -> None:
    """Answer requests, one a line, until the pipe ends."""
    torch.set_num_threads(int(os.environ.get("OWNMARK_KIT_THREADS", "1")))
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        try:
            answer = _answer(line)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        out.write(json.dumps(answer) + "\n")
        out.flush()


if __name__ == "__main__":
    _serve()
