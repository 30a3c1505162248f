"""A small marked network with its owner's folder, and a service that can be made to misbehave."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch

from ownmark.contracts import outputs
from ownmark.discovery import discover
from ownmark.ownership import embed
from ownmark.ownership.folder import Release, model_state
from ownmark.ownership.secrecy import alone

PLAN = """
tasks: [{dataset: digits, host: {convnet: {recipe: {epochs: 4}}}}]
schemes: [%s]
verdict: {rate: 0.05, null_models: 2, keys: 20}
"""

Answer = tuple[int, dict[str, str], bytes]


class Served:
    """A real server that answers with a network, once `trouble` has nothing else to say.

    Attributes:
        trouble: called with the number of the request (from 0); its answer, if any, is sent instead.
        times: when requests came. bodies: what they held.
    """

    def __init__(self, network: torch.nn.Module, field: str = "predictions") -> None:
        self.network, self.field = network, field
        self.trouble: Callable[[int], Answer | None] = lambda number: None
        self.convert: Callable[[torch.Tensor], Any] = lambda scores: scores.softmax(1).tolist()
        self.times: list[float] = []
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/predict"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, body: dict[str, Any]) -> bytes:
        x = torch.tensor(body["instances"], dtype=torch.float32)
        return json.dumps({self.field: self.convert(outputs(self.network, x))}).encode()

    def _handler(outer) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.times.append(time.monotonic())
                outer.headers.append(dict(self.headers.items()))
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.bodies.append(body)
                said = outer.trouble(len(outer.bodies) - 1)
                status, headers, content = said or (
                    200,
                    {"Content-Type": "application/json"},
                    outer.answer(body),
                )
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def marked(folder: Path, scheme: str) -> Path:
    folder.mkdir()
    plan = folder / "plan.yaml"
    plan.write_text(PLAN % scheme)
    return embed(plan, folder / "mark", device="cpu").folder


@pytest.fixture(scope="session")
def mark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a network with a trigger mark of one target class."""
    return marked(tmp_path_factory.mktemp("marks") / "content", "{content: {keys: 40, target: 3}}")


@pytest.fixture(scope="session")
def bits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a network with a mark in its weights."""
    return marked(tmp_path_factory.mktemp("marks") / "uchida", "{uchida: {bits: 32, strength: 5.0}}")


@pytest.fixture(params=["mark", "bits"])
def either(request: pytest.FixtureRequest) -> Path:
    """A mark that is read from answers, then one that is read from weights."""
    found: Path = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def network(mark: Path) -> torch.nn.Module:
    """The released network with the trigger mark."""
    release = Release.read(mark / "released")
    return release.restored(discover(), model_state(mark / "released"), "")


@pytest.fixture
def serving() -> Iterator[Callable[[torch.nn.Module], Served]]:
    """Starts servers of networks, which end with the test."""
    with ExitStack() as running:

        def start(network: torch.nn.Module) -> Served:
            server = Served(network)
            running.callback(server.close)
            return server

        yield start


@pytest.fixture
def served(network: torch.nn.Module, serving: Callable[[torch.nn.Module], Served]) -> Served:
    return serving(network)


@pytest.fixture
def alone_until_gone() -> Callable[[Path], AbstractContextManager[None]]:
    """As `alone`, for a work folder that has to go before it is let go: then it may be another process's."""

    @contextmanager
    def held(work: Path) -> Iterator[None]:
        with alone(work):
            yield
            assert not work.exists()

    return held
