"""Asking a prediction service over HTTP, well-behaved and otherwise: a real server on this machine."""

from __future__ import annotations

import json
import queue
import socket
import threading
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from ownmark.contracts import outputs
from ownmark.errors import NotApplicable, OwnmarkError, UnusableAnswer
from ownmark.ownership import exchange
from ownmark.ownership.endpoint import Endpoint, Service, encoded

JSON = {"Content-Type": "application/json"}


def images(count: int = 10) -> Tensor:
    return torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(0))


class Naps(list[float]):
    """Remembers how long it should have slept."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def endpoint(served: Any, naps: Naps | None = None, budget: int | None = None, **options: Any) -> Endpoint:
    service = Service(served.url, **{"batch_size": 4, "timeout": 60.0, **options})
    return Endpoint(service, budget, classes=10, sleep=Naps() if naps is None else naps)


def test_answers_are_the_networks_in_batches(served: Any) -> None:
    seen: list[tuple[int, int]] = []
    asked = Endpoint(Service(served.url, batch_size=4), classes=10, progress=lambda *at: seen.append(at))
    scores = asked(images())
    assert torch.allclose(scores, outputs(served.network, images()).softmax(1), atol=1e-6)
    assert [len(body["instances"]) for body in served.bodies] == [4, 4, 2]
    assert (asked.sent, asked.requests, seen) == (10, 3, [(4, 10), (8, 10), (10, 10)])


@pytest.mark.parametrize("field", ["predictions", "labels", "probabilities"])
def test_labels_are_taken_as_labels(served: Any, field: str) -> None:
    served.field, served.convert = field, lambda scores: scores.argmax(1).tolist()
    assert torch.equal(endpoint(served)(images()), outputs(served.network, images()).argmax(1))


def test_the_services_wishes_are_met(served: Any) -> None:
    served.answer = lambda body: json.dumps({"out": [0] * len(body["pictures"])}).encode()
    wishes = {"request_field": "pictures", "answer_field": "out", "layout": "hwc", "pixels": "byte"}
    asked = endpoint(served, headers={"Authorization": "Bearer t"}, **wishes)
    assert asked(images(2)).tolist() == [0, 0]
    sent = torch.tensor(served.bodies[0]["pictures"])
    assert torch.equal(sent, (images(2) * 255).round().long().permute(0, 2, 3, 1))
    assert served.headers[0]["Authorization"] == "Bearer t"


def test_pixels_of_a_colour_image_keep_their_places() -> None:
    x = torch.arange(12.0).reshape(1, 3, 2, 2) / 12
    last = torch.tensor(encoded(x, Service("http://a", layout="hwc")))
    assert torch.equal(last.permute(0, 3, 1, 2), x)


# --- services that can be helped ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_passing_trouble_is_waited_out_and_counted(served: Any, status: int) -> None:
    served.trouble = lambda number: (status, {}, b"later") if number in (1, 2) else None
    naps = Naps()
    asked = endpoint(served, naps)
    assert torch.equal(asked(images()).argmax(1), outputs(served.network, images()).argmax(1))
    assert naps == [1.0, 2.0]
    assert (asked.sent, asked.requests) == (18, 5)


def test_retry_after_is_respected(served: Any) -> None:
    served.trouble = lambda number: (429, {"Retry-After": "7"}, b"") if number == 0 else None
    naps = Naps()
    endpoint(served, naps)(images(2))
    assert naps == [7.0]


def test_too_long_a_wait_is_not_waited(served: Any) -> None:
    served.trouble = lambda number: (503, {"Retry-After": "3600"}, b"")
    with pytest.raises(UnusableAnswer, match="3600 s"):
        endpoint(served)(images(2))


def test_requests_keep_to_the_rate(served: Any) -> None:
    naps = Naps()
    endpoint(served, naps, per_second=2.0)(images(12))
    assert len(naps) == 3
    assert naps[0] == 0
    assert all(0.4 < nap <= 0.5 for nap in naps[1:])


def test_repeated_requests_count_towards_the_budget(served: Any) -> None:
    served.trouble = lambda number: (500, {}, b"")
    asked = endpoint(served, budget=9)
    with pytest.raises(NotApplicable, match="budget is 9"):
        asked(images(4))
    assert asked.sent == 8


# --- services that cannot --------------------------------------------------------------------------------------------


def scored(rows: Any) -> bytes:
    return json.dumps({"predictions": rows}).encode()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((200, {"Content-Type": "text/html"}, b"<html>Sign in</html>"), "expected JSON, got text/html: <html>"),
        ((401, JSON, b'{"error": "no token"}'), "status 401.*no token"),
        ((404, {}, b"nothing here"), "status 404: nothing here; .*address"),
        ((413, {}, b"Too Large"), "status 413: Too Large; .*--batch-size"),
        ((413, {}, b""), "status 413: the request is too large.*--batch-size"),
        ((403, {}, b""), "status 403: .*--header-from-env"),
        ((422, JSON, b'{"detail": "instances"}'), "status 422: .*instances.*--request-field"),
        ((418, {}, b""), "status 418$"),
        ((204, {}, b""), "the answer is empty"),
        ((302, {"Location": "http://127.0.0.1/login"}, b""), "points to http://127.0.0.1/login"),
        ((200, JSON, b""), "expected JSON, the answer is empty"),
        ((200, JSON, b'{"message": "ok"}'), "found message; --answer-field"),
        ((200, JSON, scored([1, 2, 3])), "4 images were asked about"),
        ((200, JSON, scored([[0.1] * 9] * 4)), "9 classes, the task has 10"),
        ((200, JSON, scored([[0.1] * 10] * 5)), r"shape \(5, 10\)"),
        ((200, JSON, scored([[0.1] * 10] * 3 + [[0.1] * 9])), "expected labels or probabilities"),
        ((200, JSON, b'{"predictions": [NaN, 1, 1, 1]}'), "no numbers"),
        ((200, JSON, scored([0, 1, 10, 2])), "label 10"),
        ((200, JSON, scored([0.5, 1, 2, 2])), "no labels"),
        ((200, JSON, scored(["cat"] * 4)), "expected labels or probabilities"),
        ((200, JSON, b"[" * 100_000), "expected JSON"),
    ],
    ids=["html", "unauthorised", "not-found", "too-large", "too-large-unsaid", "forbidden", "unprocessable", "teapot",
         "no-content", "redirect", "empty", "no-field", "too-few", "classes", "too-many",
         "ragged", "nan", "label", "fraction", "words", "deep"],
)  # fmt: skip
def test_what_is_no_answer_is_refused_at_once(served: Any, answer: Any, says: str) -> None:
    served.trouble = lambda number: answer
    asked = endpoint(served)
    with pytest.raises(UnusableAnswer, match=says) as refused:
        asked(images(4))
    assert served.url in str(refused.value)
    assert asked.requests == 1


def test_scores_first_and_labels_then_are_refused(served: Any) -> None:
    served.trouble = lambda number: (200, JSON, scored([1] * 4)) if number == 1 else None
    with pytest.raises(UnusableAnswer, match="one kind first"):
        endpoint(served)(images(8))


def test_a_dead_service_is_given_up_with_its_reason() -> None:
    naps = Naps()
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # and nobody listens, nor can anybody else
        asked = Endpoint(Service(f"http://127.0.0.1:{held.getsockname()[1]}", retries=2), sleep=naps)
        with pytest.raises(UnusableAnswer, match=r"no answer after 3 attempts.*refused"):
            asked(images(2))
    assert naps == [1.0, 2.0]
    assert (asked.sent, asked.requests) == (0, 0)


def test_a_service_that_never_answers_is_given_up(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asks, over = threading.Event(), threading.Event()
    served.trouble = lambda number: (asks.set(), over.wait(60), None)[2]
    asked = endpoint(served, timeout=60.0, retries=0)

    class Impatient(queue.Queue[Any]):
        def get(self, block: bool = True, timeout: float | None = None) -> Any:
            """The time is over once the service has the question."""
            assert asks.wait(60)
            raise queue.Empty

    monkeypatch.setattr(exchange, "queue", SimpleNamespace(SimpleQueue=Impatient, Empty=queue.Empty))
    with pytest.raises(UnusableAnswer, match=r"no answer after 1 attempt, .*--timeout"):
        asked(images(2))
    over.set()
    assert (asked.sent, asked.requests) == (2, 1)


def test_an_answer_that_does_not_end_is_given_up(served: Any) -> None:
    served.trouble = lambda number: (200, {"Content-Length": "1000", **JSON}, b"[" * 10)
    with pytest.raises(UnusableAnswer, match=r"no answer after 1 attempt, .*(broke off|--timeout)"):
        endpoint(served, timeout=0.3, retries=0)(images(2))


def test_an_address_without_a_host_is_not_tried_again() -> None:
    naps = Naps()
    asked = Endpoint(Service("http://"), sleep=naps)
    with pytest.raises(UnusableAnswer, match="no address"):
        asked(images(1))
    assert naps == []
    assert (asked.sent, asked.requests) == (0, 0)


@pytest.mark.parametrize("url", ["ftp://a/b", "localhost:80", ""])
def test_only_http_addresses_are_services(url: str) -> None:
    with pytest.raises(OwnmarkError, match="no address of a service"):
        Service(url)
