"""Passwords, tokens, and what services paint: nothing secret is told, and nothing steers a terminal."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from ownmark.cli import main
from ownmark.errors import OwnmarkError, UnusableAnswer
from ownmark.foreign import redacted
from ownmark.ownership import Endpoint, Service
from ownmark.ownership.telling import told

SECRET = "hunter2-Zx9Zx9"


class Echo:
    """A service that says back what it was sent, and whatever else `say` adds."""

    def __init__(self) -> None:
        self.status, self.extra = 400, b""
        self.shift = 0
        self.known = ("Authorization", "X-Api-Key", "Cookie")
        self.sent: list[dict[str, str]] = []
        self.answer: dict[str, str] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                outer.sent.append(dict(self.headers.items()))
                told = {name: value for name, value in self.headers.items() if name in outer.known}
                body = outer.extra or f"{' ' * outer.shift}{self.path} {json.dumps(told)}".encode()
                self.send_response(outer.status)
                for name, value in {"Content-Length": str(len(body)), **outer.answer}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.place = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


def asked(service: Service) -> str:
    """The error that comes of asking."""
    with pytest.raises(UnusableAnswer) as caught:
        Endpoint(service)(torch.zeros(2, 1, 8, 8))
    chained = caught.value.__cause__ or (
        None if caught.value.__suppress_context__ else caught.value.__context__
    )
    assert chained is None, "a traceback would print it"
    return str(caught.value)


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("http://me:%s@{}/predict", {}),
        ("http://{}/predict?key=%s", {}),
        ("http://{}/predict?a=1&token=%s#top", {}),
        ("http://{}/v1/key-0123456789-%s/predict", {}),
        ("http://{}/predict", {"Authorization": "Bearer %s"}),
        ("http://{}/predict", {"X-Api-Key": "%s"}),
        ("http://{}/predict", {"Cookie": "session=%s; other=1"}),
    ],
)
def test_what_a_service_echoes_is_redacted(echo: Echo, address: str, headers: dict[str, str]) -> None:
    service = Service(
        (address % SECRET if "%s" in address else address).format(echo.place),
        {name: value % SECRET if "%s" in value else value for name, value in headers.items()},
        retries=0,
    )
    assert SECRET not in repr(service)
    error = asked(service)
    assert SECRET not in error
    assert "***" in error
    assert "status 400" in error
    for echo.shift in range(150, 200):
        assert SECRET[:6] not in asked(service), "half of it"


@pytest.mark.parametrize(
    "address", ["http://me:%s@127.0.0.1:1/x?k=%s", "http://127.0.0.1:1/?token=%s", "http://me:%s@[::bad/"]
)
def test_unreachable_addresses_are_told_without_their_secrets(address: str) -> None:
    error = asked(Service(address.replace("%s", SECRET), retries=0, timeout=2))
    assert SECRET not in error


def test_a_password_in_the_address_is_sent_and_a_header_of_ones_own_goes_first(echo: Echo) -> None:
    asked(Service(f"http://me:a%20b@{echo.place}/", retries=0))
    asked(Service(f"http://me:pw@{echo.place}/", {"authorization": "Bearer x"}, retries=0))
    assert echo.sent[0]["Authorization"] == "Basic bWU6YSBi"
    assert [value for name, value in echo.sent[1].items() if name.lower() == "authorization"] == ["Bearer x"]


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\x00b", "geheim-ü"])
def test_a_header_that_http_does_not_know_is_refused_without_its_value(value: str) -> None:
    with pytest.raises(OwnmarkError, match="X-Key") as caught:
        Service("http://127.0.0.1/", {"X-Key": value + SECRET})
    assert SECRET not in str(caught.value)
    with pytest.raises(OwnmarkError) as caught:
        Service("http://127.0.0.1/", {value + SECRET: "x"})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://u:p@h/a?b=c",
        "https://u@h",
        "http://h/?c",
        "http://h/x?k=c&k2=c#c",
        "http://h/sk-abc123abc123abc123",
        "http://p@ss/w@h/x",
    ],
)
def test_redacted_addresses_keep_the_host_and_nothing_secret(url: str) -> None:
    shown = redacted(url)
    assert "***" in shown
    assert redacted(shown) == shown
    assert not {"u:p", "=c", "#c", "abc123", "p@ss"} & {
        part for part in ("u:p", "=c", "#c", "abc123", "p@ss") if part in shown
    }
    assert (
        redacted("https://their.service:8080/v1/models/predict")
        == "https://their.service:8080/v1/models/predict"
    )


# --- the command line -----------------------------------------------------------------------------------------------


def test_records_and_output_of_verify_hold_no_secret(
    mark: Path, echo: Echo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", f"Bearer {SECRET}")
    (tmp_path / "headers").write_text(f"# for their service\nX-Key: {SECRET}\n\n")
    sources: list[list[str]] = [
        ["--header", f"Authorization: Bearer {SECRET}"],
        ["--header-from-env", "Authorization=MY_TOKEN"],
        ["--header-file", str(tmp_path / "headers")],
    ]
    for given in sources:
        out = tmp_path / "record.json"
        url = f"http://me:{SECRET}@{echo.place}/predict?key={SECRET}"
        done = CliRunner().invoke(
            main, ["verify", str(mark), url, *given, "--retries", "0", "--out", str(out)]
        )
        assert done.exit_code == 2, done.output
        assert SECRET not in done.output
        assert not out.exists() or SECRET not in out.read_text()


def test_headers_reach_the_service(echo: Echo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ownmark.ownership.credentials import gathered

    monkeypatch.setenv("MY_TOKEN", "Bearer one")
    (tmp_path / "headers").write_text("X-Key: a:b\n")
    headers = gathered(["X-Plain: 1"], ["Authorization=MY_TOKEN"], tmp_path / "headers")
    assert headers == {"X-Plain": "1", "Authorization": "Bearer one", "X-Key": "a:b"}
    asked(Service(f"http://{echo.place}/", headers, retries=0))
    assert headers.items() <= echo.sent[0].items()


@pytest.mark.parametrize(
    "given",
    [
        ["--header", SECRET], ["--header", f"{SECRET} x: 1"], ["--header-from-env", SECRET],
        ["--header-from-env", f"X={SECRET}"], ["--header-file", "absent"], ["--header-file", "bad"],
    ],
    ids=lambda given: given[0],
)  # fmt: skip
def test_wrong_headers_are_a_sentence_that_says_no_value(
    mark: Path, tmp_path: Path, given: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad").write_text(f"no colon {SECRET}")
    done = CliRunner().invoke(main, ["verify", str(mark), "http://127.0.0.1:1/", *given])
    assert done.exit_code == 2, done.output
    assert done.output.startswith("error: --header")
    assert SECRET not in done.output


# --- painting -------------------------------------------------------------------------------------------------------

PAINT = "\x1b[2K\rCLAIM: ownership can be claimed\x1b[0m\x9b1A"


@pytest.mark.parametrize("status", [400, 301, 200, 503])
def test_answers_cannot_steer_the_terminal(echo: Echo, status: int) -> None:
    echo.status = status
    for body in (PAINT.encode(), json.dumps({PAINT: 1}).encode(), json.dumps([PAINT, 2]).encode()):
        echo.extra = body
        error = asked(Service(f"http://{echo.place}/", retries=0))
        assert error.isprintable()
        assert len(error) < 1200


def test_a_location_is_shown_escaped_and_without_its_secrets(echo: Echo) -> None:
    echo.status = 302
    for where in (f"http://a:{SECRET}@b/", f"http://b/?t={SECRET}", "http://b/\x1b[2K"):
        echo.answer = {"Location": where}
        error = asked(Service(f"http://{echo.place}/", retries=0))
        assert error.isprintable()
        assert SECRET not in error


def test_a_megabyte_is_shown_short(echo: Echo) -> None:
    for body in (
        b"x" * 10**6,
        json.dumps({"k" * 10**6: 1}).encode(),
        json.dumps({"labels": "y" * 10**6}).encode(),
    ):
        echo.status, echo.extra = 200, body
        assert len(asked(Service(f"http://{echo.place}/", retries=0))) < 1200


@pytest.mark.parametrize("field", ["error", "reason", "given", "extra name", "extra value"])
def test_a_verdict_cannot_be_painted_over(field: str) -> None:
    record: dict[str, Any] = {
        "suspect": {"given": PAINT if field == "given" else "x"}, "scheme": {"label": "uchida"}, "access": "white-box",
        "claim": None if field == "error" else False, "error": PAINT, "queries": 0,
        "reason": PAINT if field == "reason" else None,
        "extras": {PAINT if field == "extra name" else "a": PAINT if field == "extra value" else 1.0},
    }  # fmt: skip
    lines = list(told(record))
    assert all(line.isprintable() for line in lines)
    assert not any(line.startswith("CLAIM") for line in lines)


def test_tensor_names_of_strangers_are_escaped(mark: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    for number, name in enumerate((PAINT, "n" * 10**5, "[bold red]x[/]")):
        path = tmp_path / f"{number}.safetensors"
        save_file({name: torch.zeros(2)}, path)
        done = CliRunner().invoke(main, ["verify", str(mark), str(path), "--device", "cpu"])
        assert done.exit_code in (1, 2), "no claim, or not to be told"
        assert "\x1b" not in done.output
        assert "\x9b" not in done.output
        assert len(done.output) < 5000
