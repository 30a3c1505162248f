"""One request over HTTP and its answer, within one time limit and bounded memory, whatever the other side does.

A socket's own time limit begins anew with every byte, so a server that drips headers, chunk sizes, trailers or
`100 Continue` holds its client for ever. Here the exchange runs in a thread of its own; when its time is over, the
connection is cut, which ends the thread, and the caller goes on. http.client bounds every line and header that it
reads, the body is bounded here.
"""

from __future__ import annotations

import http.client
import queue
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

LARGEST = 64 * 2**20
"""Bytes of an answer, at most, unpacked."""
_PART = 2**16


class TooLarge(Exception):
    """An answer of more bytes than are read."""


@dataclass(frozen=True)
class Reply:
    """What came back; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Line:
    """A connection to one address, opened when needed and kept while the other side keeps it.

    Args:
        url: of the service, `http` or `https`.

    Attributes:
        reached: whether the last request found a connection; if not, nothing of it was sent.

    Raises:
        ValueError: the address names no host, or a port that is none.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if not parts.hostname:
            raise ValueError("it names no host")
        if any(letter <= " " or letter == "\x7f" for letter in url):
            raise ValueError("it holds blanks or control characters")
        self._secure = parts.scheme == "https"
        self._place = (parts.hostname, parts.port)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._target = quote(target, safe="/?%:@!$&'()*+,;=~-._")
        self._connection: http.client.HTTPConnection | None = None
        self.reached = False

    def post(self, body: bytes, headers: Mapping[str, str], seconds: float) -> Reply:
        """Send `body` and read the answer.

        Raises:
            TimeoutError: not over after `seconds`. TooLarge: more than `LARGEST` bytes.
            Exception: what sockets, TLS and http.client raise.
        """
        done: queue.SimpleQueue[Reply | BaseException] = queue.SimpleQueue()
        connection = self._fresh() if self._connection is None else self._connection
        self._connection = None
        cut = _Cut(connection, time.monotonic() + seconds)
        run = threading.Thread(target=_exchange, args=(cut, self._target, body, headers, done), daemon=True)
        run.start()
        try:
            got = done.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError(f"the answer took more than {seconds:g} s") from None
        finally:
            self.reached = cut.reached
            if not cut.kept:
                cut()
        if isinstance(got, BaseException):
            raise got
        self._connection = connection if cut.kept else None
        return got

    def _fresh(self) -> http.client.HTTPConnection:
        host, port = self._place
        if self._secure:
            return http.client.HTTPSConnection(host, port, context=ssl.create_default_context())
        return http.client.HTTPConnection(host, port)


class _Cut:
    """Cuts a connection from another thread; no read or connection attempt survives it."""

    def __init__(self, connection: http.client.HTTPConnection, until: float) -> None:
        self.connection = connection
        self.kept = False
        self.over = False
        self._until = until
        self._socket: socket.socket | None = None

    @property
    def reached(self) -> bool:
        """Whether there was a connection to send over."""
        return self._socket is not None

    def left(self) -> float:
        """Seconds until the exchange is over.

        Raises:
            TimeoutError: it is.
        """
        seconds = self._until - time.monotonic()
        if self.over or seconds <= 0:
            raise TimeoutError("the time for the answer is over")
        return seconds

    def connect(self) -> None:
        """Open the connection unless the other side has kept it open."""
        connection = self.connection
        if connection.sock is not None and _dropped(connection.sock):
            connection.close()
        if connection.sock is None:
            connection.timeout = self.left()
            connection.connect()
        self._socket = connection.sock
        self._socket.settimeout(self.left())

    def __call__(self) -> None:
        self.over = True
        reached = self._socket or self.connection.sock  # the second while TLS shakes hands
        if reached is not None:
            with suppress(OSError):
                reached.shutdown(socket.SHUT_RDWR)


def _dropped(sock: socket.socket) -> bool:
    """Whether an idle connection was closed by the other side, or holds bytes that nobody asked for."""
    sock.settimeout(0)
    try:
        if isinstance(sock, ssl.SSLSocket):
            return bool(sock.pending())
        sock.recv(1, socket.MSG_PEEK)
        return True
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True


def _exchange(
    cut: _Cut,
    target: str,
    body: bytes,
    headers: Mapping[str, str],
    done: queue.SimpleQueue[Reply | BaseException],
) -> None:
    try:
        cut.connect()
        connection = cut.connection
        connection.request("POST", target, body=body, headers=dict(headers))
        response = connection.getresponse()
        content = _content(response, cut)
        response.close()
        found = {name.lower(): value for name, value in response.getheaders()}
        cut.left()  # a connection that was cut looks like one that ended
        cut.kept = not response.will_close
        done.put(Reply(response.status, found, _unpacked(content, found.get("content-encoding", ""))))
    except BaseException as error:
        done.put(error)
    finally:
        if not cut.kept:
            with suppress(Exception):
                cut.connection.close()


def _content(response: http.client.HTTPResponse, cut: _Cut) -> bytes:
    content = bytearray()
    while part := response.read1(_PART):
        content += part
        if len(content) > LARGEST:
            raise TooLarge(f"an answer of more than {LARGEST} bytes")
        cut.left()
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return bytes(content)


def _unpacked(content: bytes, encoding: str) -> bytes:
    """What a service packed without being asked to; no more than `LARGEST` bytes of it."""
    if encoding.lower() not in ("gzip", "x-gzip", "deflate"):
        return content
    unpack: Any = zlib.decompressobj(zlib.MAX_WBITS | 32)
    unpacked: bytes = unpack.decompress(content, LARGEST)
    if unpack.unconsumed_tail:
        raise TooLarge(f"an answer of more than {LARGEST} bytes")
    return unpacked
