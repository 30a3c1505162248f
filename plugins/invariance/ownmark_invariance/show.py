"""What may be done to the neurons of a network, as text: `ownmark-groups resnet --param depth=18 --param width=64`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click
from torch import nn

from ownmark import Kind, discover
from ownmark.contracts import evaluating
from ownmark.contracts.views import Shape
from ownmark.errors import OwnmarkError
from ownmark_invariance.attacking import study
from ownmark_invariance.grouping import describe


def show_network(network: nn.Module, shape: Shape) -> str:
    """The report of any network that takes inputs of `shape`.

    Raises:
        NotApplicable: it cannot be traced.
    """
    with evaluating(network):
        return describe(study(network, shape))


def show_groups(
    host: str, params: Mapping[str, Any] | None = None, shape: Shape = (3, 32, 32), classes: int = 10
) -> str:
    """The report of an installed host, by id.

    Raises:
        OwnmarkError: there is no such host, or it does not take the parameters or the shape.
    """
    made = discover().build(Kind.HOST, host, dict(params or {}))
    return show_network(made.build(shape, classes), shape)


def _read(texts: tuple[str, ...]) -> dict[str, Any]:
    """`("depth=18", "norm=group")` -> `{"depth": 18, "norm": "group"}`."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"{text!r}: write name=value")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


@click.command()
@click.argument("host")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter of the host.")
@click.option("--shape", nargs=3, type=int, default=(3, 32, 32), help="Channels, height, width of an input.")
@click.option("--classes", default=10, help="Number of labels.")
def main(host: str, params: tuple[str, ...], shape: Shape, classes: int) -> None:
    """Say which neurons of HOST may be permuted, scaled or flipped, and why any may not."""
    try:
        click.echo(show_groups(host, _read(params), shape, classes))
    except OwnmarkError as error:
        raise click.ClickException(str(error)) from error
