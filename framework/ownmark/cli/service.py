"""How a suspect that is a service is asked: the same options for every command that asks one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ownmark.cli.parts import Place

if TYPE_CHECKING:
    from ownmark.ownership.endpoint import Service

_OPTIONS = (
    click.option("--budget", type=int, help="Images that a service may be sent, at most."),
    click.option("--header", multiple=True, metavar="NAME:VALUE", help="Sent to the service; may be repeated."),
    click.option(
        "--header-from-env", multiple=True, metavar="NAME=VAR",
        help="A header whose value is in the variable VAR, which keeps a token out of the list of processes.",
    ),
    click.option(
        "--header-file", type=Place(path_type=Path), help="Headers from a file, one NAME: VALUE a line."
    ),
    click.option("--batch-size", default=64, show_default=True, help="Images a request."),
    click.option(
        "--per-second", default=0.0, show_default=True, help="Requests a second, at most; 0: no limit."
    ),
    click.option("--retries", default=4, show_default=True, help="Of a request that failed."),
    click.option("--timeout", default=30.0, show_default=True, help="Seconds for one answer."),
    click.option(
        "--request-field", default="instances", show_default=True, help="Of the JSON that is sent; dots nest."
    ),
    click.option(
        "--answer-field", default="",
        help="Of the JSON that comes back, result.0.scores if nested; else found by itself.",
    ),
    click.option(
        "--layout", type=click.Choice(["chw", "hwc"]), default="chw", show_default=True,
        help="Of an image: channels first, or last.",
    ),
    click.option(
        "--pixels", type=click.Choice(["unit", "byte"]), default="unit", show_default=True,
        help="From 0 to 1, or whole numbers up to 255.",
    ),
    click.option(
        "--protocol", type=click.Choice(["plain", "v2", "huggingface", "torchserve", "gradio"]), default="plain",
        show_default=True, help="Of the service; v2 is KServe's and Triton's.",
    ),
    click.option(
        "--input-name", default="input", show_default=True, help="Of the tensor, with --protocol v2."
    ),
    click.option(
        "--labels",
        help="Names of the labels in order, if the suspect answers with names: a,b,c, or a file, one a line.",
    ),
)  # fmt: skip
_FIELDS = (
    "batch_size", "per_second", "retries", "timeout", "request_field", "answer_field", "layout", "pixels", "protocol",
    "input_name",
)  # fmt: skip


@dataclass(frozen=True)
class Asking:
    """What the options say.

    Attributes:
        headers: sent along. fields: of `Service`. labels: names of the labels in order. budget: images, at most.
    """

    headers: Mapping[str, str]
    fields: Mapping[str, Any]
    labels: Sequence[str] | None
    budget: int | None

    def suspect(self, given: str) -> str | Service:
        """The suspect as it is asked: an address becomes a service."""
        from ownmark.ownership.endpoint import Service

        is_address = given.startswith(("http://", "https://"))
        return Service(given, self.headers, **self.fields) if is_address else given


def service_options(command: Callable[..., None]) -> Callable[..., None]:
    """A command with these options, which gets them as one `asking`."""

    @functools.wraps(command)
    def told(
        header: tuple[str, ...],
        header_from_env: tuple[str, ...],
        header_file: Path | None,
        labels: str | None,
        budget: int | None,
        **options: Any,
    ) -> None:
        from ownmark.ownership.credentials import gathered
        from ownmark.ownership.telling import named_labels

        fields = {name: options.pop(name) for name in _FIELDS}
        headers = gathered(header, header_from_env, header_file)
        command(asking=Asking(headers, fields, named_labels(labels), budget), **options)

    for option in reversed(_OPTIONS):
        told = option(told)
    return told
