"""A prediction service over HTTP as a black box: batches, retries, a rate limit, and nothing taken on trust.

A service may be down, slow, rationed, or answer with something else on purpose. Each answer is checked before it
counts; what cannot be repaired by asking again is an `UnusableAnswer` that says what came back.
"""

from __future__ import annotations

import email.utils
import http.client
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from ownmark.contracts.views import checked_answers
from ownmark.errors import NotApplicable, OwnmarkError, UnusableAnswer
from ownmark.foreign import paragraph, redacted, shown
from ownmark.ownership.answers import plain_answers
from ownmark.ownership.credentials import Redactor, authorization, checked_headers
from ownmark.ownership.exchange import Line, TooLarge
from ownmark.ownership.protocols import ONE_BY_ONE, request_of, unwrapped
from ownmark.wording import counted

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Status codes after which asking again may help."""
ANSWERS = ("predictions", "outputs", "probabilities", "labels", "scores")
"""Fields of a JSON object that answers are looked for in, first match first."""
ELEMENTS = 2 * 2**20
"""Values of an answer, at most: of 60 MB of empty lists, a parser makes 2 GB."""
PATIENCE = 60.0
"""Seconds before a request is repeated, at most, if the service does not say."""
DAY = 86_400.0
_ELSE = "it takes other requests: --protocol, --request-field, --layout and --pixels say which"
_WHO = "it wants to know who asks: --header-from-env NAME=VARIABLE sends a token"
_WHERE = "nothing is answered at this address; look at it again"
REMEDIES = {
    400: _ELSE, 415: _ELSE, 422: _ELSE, 401: _WHO, 403: _WHO, 404: _WHERE, 405: _WHERE,
    413: "the request is too large; send fewer images in one with --batch-size",
}  # fmt: skip
"""What to do about a status, if anything is known to help."""


@dataclass(frozen=True)
class Service:
    """How a service wants to be asked.

    Args:
        url: receives `POST` with JSON `{request_field: [images]}`.
        headers: sent along, for keys and tokens.
        request_field: name of the list of images. answer_field: name of the list of answers; empty to find it. Dots
            lead into nested objects and lists: `result.0.scores`.
        layout: of an image, channels first or last. pixels: in [0, 1], or whole numbers up to 255.
        batch_size: images a request. per_second: requests a second, at most; 0 for no limit.
        retries: of a request, after the first. timeout: seconds for one answer, reading included.
        labels: names of the labels in order, for services that answer with names.
        protocol: see `protocols`. input_name: of the tensor that `v2` takes.
        longest_wait: seconds that a service may ask to wait (`Retry-After`) before it is given up.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    request_field: str = "instances"
    answer_field: str = ""
    layout: Literal["chw", "hwc"] = "chw"
    pixels: Literal["unit", "byte"] = "unit"
    batch_size: int = 64
    per_second: float = 0.0
    retries: int = 4
    timeout: float = 30.0
    longest_wait: float = 300.0
    labels: tuple[str, ...] | None = None
    protocol: Literal["plain", "v2", "huggingface", "torchserve", "gradio"] = "plain"
    input_name: str = "input"

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise OwnmarkError(
                f"{redacted(self.url)!r} is no address of a service; it starts with http:// or https://"
            )
        checked_headers(self.headers)
        limits = {
            "batch size": (self.batch_size, 1, 65_536), "retries": (self.retries, 0, 100),
            "timeout": (self.timeout, 1e-3, DAY), "longest wait": (self.longest_wait, 0, DAY),
            "requests per second": (self.per_second, 0, 1e6),
        }  # fmt: skip
        for name, (value, least, most) in limits.items():
            if not (math.isfinite(value) and least <= value <= most):
                raise OwnmarkError(f"{name} {value:g}: it lies between {least:g} and {most:g}")
        if 0 < self.per_second < 1 / DAY:
            raise OwnmarkError(f"{self.per_second:g} requests per second: less than one a day")


class Endpoint:
    """Answers images by asking a service; hand it to a `BlackBox`.

    Args:
        budget: most images that may be sent, those sent again included; None for no limit.
        classes: labels that there are, None if not known.
        progress: told (images answered, images in all).
        sleep: waits; replaced in tests.

    Attributes:
        sent: images sent so far, repetitions included. requests: requests made. What found no connection is neither.
    """

    def __init__(
        self,
        service: Service,
        budget: int | None = None,
        classes: int | None = None,
        progress: Callable[[int, int], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.service = service
        self.budget = budget
        self.sent = 0
        self.requests = 0
        self._classes = classes
        self._progress = progress
        self._sleep = sleep
        self._redact = Redactor(service.url, service.headers)
        named = {name.lower() for name in service.headers}
        basic = {} if "authorization" in named else authorization(service.url)
        self._headers = {"Accept": "application/json", **basic, **service.headers}
        self._line: Line | None = None
        self._next = 0.0

    def __call__(self, x: Tensor) -> Tensor:
        """Labels [N] or scores [N, classes] of images [N, C, H, W] in [0, 1].

        Raises:
            UnusableAnswer: the service cannot be reached, or does not answer the question.
            NotApplicable: the budget does not allow another request.
        """
        try:
            return self._all(x)
        except (UnusableAnswer, NotApplicable) as error:
            raise type(error)(paragraph(self._redact(str(error)), 1000)) from None

    def _all(self, x: Tensor) -> Tensor:
        answers: list[Tensor] = []
        size = 1 if self.service.protocol in ONE_BY_ONE else self.service.batch_size
        for batch in torch.split(x, size):
            answers.append(self._answered(batch))
            if answers[-1].shape[1:] != answers[0].shape[1:]:
                raise UnusableAnswer(f"{self.service.url}: answers of one kind first, then of another")
            if self._progress:
                self._progress(sum(map(len, answers)), len(x))
        return torch.cat(answers)

    def _answered(self, batch: Tensor) -> Tensor:
        body, kind = request_of(batch, self.service, encoded(batch, self.service))
        trouble = ""
        for attempt in range(self.service.retries + 1):
            self._spend(len(batch))
            try:
                status, headers, content = self._post(body, kind, len(batch))
            except (UnusableAnswer, TooLarge) as error:
                raise UnusableAnswer(f"{self.service.url}: {error}") from error
            except Exception as error:  # sockets, TLS, http.client: whatever it is, asking again may help
                trouble, wait = _broken(error), None
            else:
                if status not in PASSING:
                    return self._decoded(status, headers, content, len(batch))
                trouble, wait = f"status {status}", _retry_after(headers)
            if attempt < self.service.retries:
                self._wait(min(2.0**attempt, PATIENCE) if wait is None else wait, trouble)
        times = counted(self.service.retries + 1, "attempt")
        raise UnusableAnswer(f"{self.service.url}: no answer after {times}, the last one: {trouble}")

    def _spend(self, images: int) -> None:
        if self.budget is not None and self.sent + images > self.budget:
            raise NotApplicable(
                f"{self.sent} images were sent (some of them again) and {images} more are needed; the budget is "
                f"{self.budget}"
            )
        if self.service.per_second:
            self._sleep(max(0.0, self._next - time.monotonic()))
            self._next = time.monotonic() + 1 / self.service.per_second
        self.sent += images
        self.requests += 1

    def _wait(self, seconds: float, trouble: str) -> None:
        if seconds > self.service.longest_wait:
            raise UnusableAnswer(
                f"{self.service.url}: {trouble}, and it asks to wait {seconds:.0f} s; the longest wait is "
                f"{self.service.longest_wait:.0f} s"
            )
        self._sleep(seconds)

    def _post(self, body: bytes, kind: str, images: int) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers (names in lower case) and content; the time limit holds for all of it."""
        try:
            reply = self._opened().post(body, {"Content-Type": kind, **self._headers}, self.service.timeout)
        finally:
            if self._line is None or not self._line.reached:
                self.sent -= images
                self.requests -= 1
        return reply.status, reply.headers, reply.content

    def _opened(self) -> Line:
        if self._line is None:
            try:
                self._line = Line(self.service.url)
            except ValueError as error:
                raise UnusableAnswer(f"no address of a service ({error})") from error
        return self._line

    def _decoded(self, status: int, headers: Mapping[str, str], content: bytes, count: int) -> Tensor:
        try:
            return decoded(
                status,
                headers,
                content,
                count,
                self.service.answer_field,
                self._classes,
                self._redact,
                self.service.labels,
                self.service.protocol,
            )
        except UnusableAnswer as error:
            raise UnusableAnswer(f"{self.service.url}: {error}") from error


def encoded(x: Tensor, service: Service) -> list[Any]:
    """Images [N, C, H, W] in [0, 1] as nested lists, as the service wants them; other inputs as they are."""
    x = x.detach().cpu()
    if x.ndim != 4:
        return x.tolist()
    if service.layout == "hwc":
        x = x.permute(0, 2, 3, 1)
    if service.pixels == "byte":
        return (x * 255).round().clamp(0, 255).to(torch.uint8).tolist()
    return x.float().tolist()


def decoded(
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    count: int,
    name: str,
    classes: int | None,
    redact: Callable[[str], str] = str,
    labels: Sequence[str] | None = None,
    protocol: str = "plain",
) -> Tensor:
    """Labels [count] or scores [count, classes] out of one response.

    Args:
        redact: takes secrets out of what is shown, before it is shortened and half of one is left.

    Raises:
        UnusableAnswer: anything else.
    """
    start = shown(redact(content[:20_000].decode("utf-8", "replace")), 200)
    if not 200 <= status < 300:
        where = headers.get("location")
        told = f"it points to {shown(redact(redacted(where)), 200)}; use that address" if where else start
        said = "; ".join(filter(None, (told, REMEDIES.get(status))))
        raise UnusableAnswer(f"status {status}: {said}" if said else f"status {status}")
    values = sum(map(content.count, (b",", b"[", b"{")))
    if values > ELEMENTS:
        raise UnusableAnswer(f"an answer of {values} values to {count} images; at most {ELEMENTS} are read")
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError) as error:
        if not content.strip():
            raise UnusableAnswer("expected JSON, the answer is empty") from error
        kind = headers.get("content-type", "something")
        raise UnusableAnswer(f"expected JSON, got {shown(kind, 60)}: {start}") from error
    if protocol != "plain":
        answer = unwrapped(answer, protocol, count, name)
    elif isinstance(answer, dict):
        answer = _field(answer, name, redact)
    return checked_answers(plain_answers(answer, count, labels), count, classes)


def _field(answer: Mapping[str, Any], name: str, redact: Callable[[str], str]) -> Any:
    """What an object holds under a name, `result.0.scores` for a nested one; under one of `ANSWERS` without a name."""
    known = name or next((one for one in ANSWERS if one in answer), "")
    held: Any = answer
    for step in [known] if known in answer else known.split("."):
        if isinstance(held, Mapping) and step in held:
            held = held[step]
        elif (
            isinstance(held, list)
            and step.isascii()
            and step.isdigit()
            and len(step) < 6
            and int(step) < len(held)
        ):
            held = held[int(step)]
        else:
            wanted = repr(name) if name else f"any of {', '.join(ANSWERS)}"
            found = shown(redact(", ".join(answer)), 200) or "nothing"
            raise UnusableAnswer(
                f"expected {wanted} in the answer, found {found}; --answer-field says where answers are"
            )
    return held


def _broken(error: Exception) -> str:
    """Why a request came to nothing."""
    if isinstance(error, TimeoutError):
        return f"{error or 'it took too long'}; --timeout allows more"
    if isinstance(error, http.client.IncompleteRead):
        return "the answer broke off"
    return f"{type(error).__name__}: {error}"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a service asks to wait: a number, or a date; None where it says neither."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value) if len(value) < 10 else math.inf
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
