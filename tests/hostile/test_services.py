"""Services that never end, answer without measure or with what is no answer: over within one time limit, or refused."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import torch

from ownmark.errors import OwnmarkError, UnusableAnswer
from ownmark.ownership import exchange
from ownmark.ownership.endpoint import Endpoint, Service

Script = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\n"


class Listening:
    """A server on this machine that reads a request's headers and then does as `script` says, for each connection."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.served = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/predict"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.served += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(60)
            _request(connection)
            self.script(connection)

    def close(self) -> None:
        self._socket.close()


def _request(connection: socket.socket) -> None:
    """Read one request whole, so that closing does not reset the connection."""
    text = b""
    while b"\r\n\r\n" not in text:
        text += connection.recv(65_536)
    head, _, body = text.partition(b"\r\n\r\n")
    length = next(
        int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    while len(body) < length:
        body += connection.recv(65_536)


@pytest.fixture
def listening() -> Iterator[Callable[[Script], Listening]]:
    made: list[Listening] = []

    def make(script: Script) -> Listening:
        made.append(Listening(script))
        return made[-1]

    yield make
    for one in made:
        one.close()


def dripping(before: bytes, drop: bytes, seconds: float = 0.02) -> Script:
    """Send `before`, then `drop` for ever: each in time, the whole never."""

    def script(connection: socket.socket) -> None:
        connection.sendall(before)
        for _ in range(int(300 / max(seconds, 1e-4))):  # the one that asks hangs up long before
            connection.sendall(drop)
            time.sleep(seconds)

    return script


def answering(content: bytes, head: bytes = b"") -> Script:
    def script(connection: socket.socket) -> None:
        connection.sendall(OK + head + b"Content-Length: %d\r\n\r\n" % len(content) + content)

    return script


def ask(server: Listening, count: int = 2, **options: Any) -> torch.Tensor:
    service = Service(server.url, **{"timeout": 0.4, "retries": 0, **options})
    return Endpoint(service, classes=10, sleep=lambda seconds: None)(torch.rand(count, 1, 4, 4))


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
ENDLESS = {
    "body with a length": dripping(OK + b"Content-Length: 100000\r\n\r\n", b" "),
    "body until close": dripping(OK + b"\r\n", b" "),
    "status line": dripping(b"HTTP/1.1 200 ", b"O"),
    "one header": dripping(OK + b"X-Slow: ", b"a"),
    "many headers": dripping(OK, b"X: y\r\n"),
    "100 Continue": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "100 Continue, fast": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, 0),
    "headers of 100 Continue": dripping(b"HTTP/1.1 100 Continue\r\n", b"X: y\r\n"),
    "size of a chunk": dripping(CHUNKED, b"0"),
    "extension of a chunk": dripping(CHUNKED + b"1;", b"a"),
    "chunks": dripping(CHUNKED, b"1\r\n \r\n"),
    "trailers": dripping(CHUNKED + b"2\r\n[]\r\n0\r\n", b"X: y\r\n"),
    "one trailer": dripping(CHUNKED + b"2\r\n[]\r\n0\r\nX: ", b"a"),
    "nothing at all": dripping(b"", b""),
}  # fmt: skip


@pytest.mark.parametrize("script", ENDLESS.values(), ids=ENDLESS)
def test_an_exchange_is_over_when_its_time_is(listening: Any, script: Script) -> None:
    start = time.monotonic()
    with pytest.raises(UnusableAnswer, match="no answer after 1 attempt"):
        ask(listening(script))
    assert time.monotonic() - start < 100


def test_an_exchange_that_was_cut_leaves_no_thread_behind(listening: Any) -> None:
    def running() -> list[threading.Thread]:
        return [one for one in threading.enumerate() if getattr(one, "_target", None) is exchange._exchange]

    for script in (ENDLESS["one header"], ENDLESS["trailers"], ENDLESS["100 Continue"]):
        with pytest.raises(UnusableAnswer):
            ask(listening(script), timeout=0.2)
    limit = time.monotonic() + 60
    while running() and time.monotonic() < limit:
        time.sleep(0.02)
    assert not running()


def test_a_body_that_ends_with_the_connection_is_an_answer_if_it_ends_in_time(listening: Any) -> None:
    assert ask(listening(lambda to: to.sendall(OK + b"\r\n[1, 2]")), timeout=60).tolist() == [1, 2]


@pytest.mark.parametrize(
    "start", [OK + b"Content-Length: 6\r\n\r\n[1,", CHUNKED + b"6\r\n[1,", CHUNKED + b"6\r\n[1, 2]\r\n"],
    ids=["length", "chunk", "no last chunk"],
)  # fmt: skip
def test_an_answer_that_breaks_off_is_none(listening: Any, start: bytes) -> None:
    with pytest.raises(UnusableAnswer, match="no answer after 1 attempt"):
        ask(listening(lambda to: to.sendall(start)), timeout=60)


def test_a_connection_is_kept_between_requests_and_opened_anew_when_dropped(listening: Any) -> None:
    dropped = threading.Event()

    def twice(connection: socket.socket) -> None:
        answering(b"[1, 2]")(connection)
        _request(connection)
        answering(b"[3, 4]")(connection)
        connection.shutdown(socket.SHUT_RDWR)
        dropped.set()

    server = listening(twice)
    asked = Endpoint(Service(server.url, batch_size=2, timeout=60, retries=0), classes=10)
    for _ in range(2):
        assert asked(torch.rand(4, 1, 4, 4)).tolist() == [1, 2, 3, 4]
        assert dropped.wait(60)
        dropped.clear()
        assert select.select([asked._line._connection.sock], [], [], 60)[0], "the end has arrived"
    assert server.served == 2


# --- too much -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[" + b"[]," * 3_000_000 + b"[]]", "values to 2 images"),
        (b'{"predictions": [' + b"{}," * 3_000_000 + b"{}]}", "values to 2 images"),
        (b"[" + b"1," * 3_000_000 + b"1]", "values to 2 images"),
        (b"[" * 1_000_000 + b"]" * 1_000_000, "expected JSON"),
    ],
    ids=["lists", "mappings", "numbers", "nested"],
)
def test_an_answer_of_too_many_values_is_not_parsed(listening: Any, content: bytes, says: str) -> None:
    with pytest.raises(UnusableAnswer, match=says):
        ask(listening(answering(content)), timeout=60)


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_of_too_many_bytes_is_not_kept(
    listening: Any, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    import zlib

    monkeypatch.setattr(exchange, "LARGEST", 100_000)
    content, head = b" " * 200_000, b""
    if packed:
        content, head = zlib.compress(content), b"Content-Encoding: deflate\r\n"
    with pytest.raises(UnusableAnswer, match="more than 100000 bytes"):
        ask(listening(answering(content, head)), timeout=60)


def test_an_answer_that_is_packed_unasked_is_unpacked(listening: Any) -> None:
    import gzip

    script = answering(gzip.compress(b"[1, 2]"), b"Content-Encoding: gzip\r\n")
    assert ask(listening(script), timeout=60).tolist() == [1, 2]


# --- no answers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wait", ["9" * 5000, "1e400", "-5", "nan", "Fri, 99 Foo 99999 99:99:99 GMT", "١٢", ""]
)
def test_whatever_retry_after_says_is_no_reason_to_break(listening: Any, wait: str) -> None:
    def script(connection: socket.socket) -> None:
        head = f"HTTP/1.1 503 Busy\r\nRetry-After: {wait}\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(head.encode("utf-8"))

    with pytest.raises(UnusableAnswer, match=r"no answer after 2 attempts|asks to wait"):
        ask(listening(script), timeout=60, retries=1)


@pytest.mark.parametrize(
    "answer",
    ["[true, false]", "[[true, false], [false, true]]", "[NaN, 1]", "[Infinity, 1]", "[null, 1]", "[{}, {}]",
     "[[], []]", "[" + "9" * 4000 + ", 1]", "[" + "9" * 5000 + ", 1]", '"ab"', "3", "null", "true",
     '{"predictions": true}',
     '{"predictions": {"a": 1}}', "[[[1]], [[2]]]", "[-1, 1]", "[1.5, 1]", "[[1], [2]]", '["1", "2"]',
     "[" * 900 + "1" + "]" * 900, "[1e400, 1]", "\udcff"],
)  # fmt: skip
def test_what_is_no_answer_is_said_to_be_none(listening: Any, answer: str) -> None:
    with pytest.raises(UnusableAnswer):
        ask(listening(answering(answer.encode("utf-8", "surrogateescape"))), timeout=60)


@pytest.mark.parametrize(
    "head",
    ["HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "SSH-2.0-x\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
     "HTTP/1.1 200 OK\r\n" + "X: y\r\n" * 200 + "\r\n", "HTTP/1.1 200 OK\r\nX: " + "y" * 70_000 + "\r\n\r\n"],
)  # fmt: skip
def test_what_is_no_http_is_said_to_be_none(listening: Any, head: str) -> None:
    with pytest.raises(UnusableAnswer):
        ask(listening(lambda to: to.sendall(head.encode())), timeout=60)


# --- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{"timeout": float("nan")}, {"timeout": float("inf")}, {"timeout": 1e300}, {"timeout": 0.0}, {"retries": 10**9},
     {"batch_size": 0}, {"batch_size": 10**9}, {"per_second": float("nan")}, {"per_second": 1e-300},
     {"per_second": -1.0}, {"longest_wait": float("inf")}, {"headers": {"A b": "c"}}, {"headers": {"": "c"}},
     {"headers": {"A": "b\r\nC: d"}}, {"headers": {"A": "\u20ac"}}],
    ids=str,
)  # fmt: skip
def test_options_that_mean_nothing_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(OwnmarkError):
        Service("http://127.0.0.1:1/", **options)


@pytest.mark.parametrize("url", ["http://", "http://a:99999/", "http://[::1/", "http://a b/", "http://a:x/"])
def test_an_address_that_is_none_is_not_tried(url: str) -> None:
    with pytest.raises(OwnmarkError):
        Endpoint(Service(url), sleep=lambda seconds: None)(torch.rand(1, 1, 2, 2))
