"""Commands on what is installed: `list`, `show`, `plugins`, `check`, `new`."""

from __future__ import annotations

import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ownmark.cli.parts import Place, console, end
from ownmark.foreign import paragraph, shown
from ownmark.wording import counted

if TYPE_CHECKING:
    from ownmark.methods import Declaration

_KINDS = ("schemes", "extractors", "attacks", "metrics", "datasets", "hosts", "plans")

SLOW = 0.25
"""Seconds from which a pack is worth telling how much it costs."""


@click.command("list")
@click.argument("kind", required=False, type=click.Choice(_KINDS))
def list_methods(kind: str | None) -> None:
    """List what is installed: everything, or one KIND."""
    from ownmark.discovery import discover
    from ownmark.methods import Kind

    catalog = discover()
    kinds = [Kind(name.removesuffix("s")) for name in ([kind] if kind else _KINDS)]
    for one in kinds:
        click.secho(f"{one.value}s", bold=True)
        width = max((len(catalog.spelling(method) or method.name) for method in catalog.of(one)), default=0)
        for method in catalog.of(one):
            name = catalog.spelling(method) or method.name
            pack = click.style(shown(method.pack, 60), dim=True)
            click.echo(f"  {name:{width}s}  {pack}: {shown(method.summary)}")
    lost = [problem for problem in catalog.problems if problem.lost]
    if lost:
        click.secho(f"{counted(len(lost), 'plugin problem')}, see `ownmark plugins`", fg="yellow")


@click.command()
@click.argument("name")
def show(name: str) -> None:
    """Show one method: paper, threat model, parameters with help and defaults, deviations from the paper.

    Of a folder that `ownmark embed` made: scheme, readers, and what its key is worth.
    """
    from rich.text import Text

    from ownmark.describe import describe

    screen = console()
    if (Path(name) / "owner" / "claim.json").is_file():
        from ownmark.ownership.showing import show_mark

        for line in show_mark(Path(name)):
            screen.print(line, highlight=False, markup=False, soft_wrap=True)
        return
    for method in _everything_called(name):
        screen.print(describe(method))
        for line in _worth(method):
            screen.print(Text(paragraph(line)))


def _worth(method: Declaration) -> list[str]:
    """What a key of a scheme is worth; empty for other methods."""
    from ownmark.methods import Kind

    if method.kind is not Kind.SCHEME:
        return []
    from ownmark.keyworth import key_worth

    return key_worth(method)


def _everything_called(name: str) -> list[Declaration]:
    """Methods of any kind with that name; one error that names what is near if there are none."""
    from ownmark.discovery import discover
    from ownmark.discovery.suggest import not_found
    from ownmark.errors import MethodNotFound
    from ownmark.methods import Kind

    catalog = discover()
    found: list[Declaration] = []
    for kind in Kind:
        with suppress(MethodNotFound):
            found.append(catalog.find(kind, name))
    if not found:
        raise MethodNotFound(not_found(catalog, None, name))
    return found


@click.command()
@click.option(
    "--verbose", "-v", is_flag=True, help="Also the seconds that looking for each pack's methods takes."
)
def plugins(verbose: bool) -> None:
    """List installed packs with their versions, methods, problems and collisions; exit 1 if one has a problem.

    Seconds stand beside packs that cost every command at least a quarter of one.
    """
    from ownmark.discovery import discover

    catalog = discover()
    for pack in catalog.packs:
        state = f"disabled: {', '.join(pack.disabled)}" if pack.disabled else counted(pack.methods, "method")
        state += f", {pack.seconds:.2f} s" if pack.seconds >= SLOW or verbose else ""
        click.echo(
            f"{click.style(shown(pack.distribution, 80), bold=True)} {shown(pack.version, 40)}: {state}"
        )
        for problem in pack.problems:
            click.secho(f"  {shown(problem, 1000)}", fg="yellow")
    for same in catalog.collisions:
        names = " or ".join(f"{method.distribution}/{method.id}" for method in same)
        click.secho(f"collision: {same[0].kind} {same[0].id!r}; plans write {names}", fg="yellow")
    end(1 if any(problem.lost for problem in catalog.problems) else 0)


@click.command()
@click.argument("name")
@click.option("--strict", is_flag=True, help="A check that could not be made here fails too.")
@click.option("--device", default="cpu", show_default=True, help="Where networks are trained and read.")
def check(name: str, strict: bool, device: str) -> None:
    """Run the conformance checks on a method (ID or PACK/ID) or on everything a PACK brings.

    Exit 1 if one fails, or with --strict if one could not be made (a missing package, data that are not here).
    """
    from ownmark.runner.device import device_called
    from ownmark.testing import check_rows
    from ownmark.testing.workbench import use_device

    use_device(device_called(device))
    failed = skipped = made = 0
    for row in check_rows(name):
        failed += row.failed
        skipped += row.outcome == "skipped"
        made += row.outcome in ("passed", "failed", "expected")
        color = "red" if row.failed else "green" if row.passed else "yellow"
        click.echo(
            f"{click.style(row.outcome, fg=color):8s} {row.method}: {row.check}  {paragraph(row.message)}".rstrip()
        )
    click.echo(f"{made} checks made, {failed} failed, {skipped} could not be made")
    if skipped:
        least = "MOST CHECKS WERE SKIPPED: " if skipped > made else ""
        click.secho(f"{least}what was skipped is unknown, not sound; --strict counts it as failed", fg="red")
    end(1 if failed or (strict and skipped) else 0)


@click.command()
@click.argument("name")
@click.option("--into", type=Place(path_type=Path), default=Path(), help="Parent folder (default: here).")
@click.option(
    "--kind",
    type=click.Choice(["scheme", "black-box", "attack", "extractor", "host", "dataset", "metric"]),
    help="What it brings (default: a scheme and an attack).",
)
@click.option("--method", metavar="ID", help="What the method is called, say my_mark (with --kind).")
def new(name: str, into: Path, kind: str | None, method: str | None) -> None:
    """Write a working pack NAME (say `acme-marks`) with tests, licence, a plan and a CI file to start from."""
    from ownmark.newpack import create_pack

    folder = create_pack(name, into, kind, method)
    given = shlex.quote(str(folder))
    click.echo(
        f"wrote {folder}\nnext: pip install -e {given} && ownmark check {name}\n"
        f"or, without pip: ownmark --pack {given} check {name}"
    )
