"""Commands on runs and stores: `status`, `why` and the group `store`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from ownmark.cli.parts import end, folder
from ownmark.foreign import shown

if TYPE_CHECKING:
    from ownmark.runner.session import Session
    from ownmark.runner.store import Store

_place = click.option(
    "--store", type=str, envvar="OWNMARK_STORE", default=".ownmark", help="As for `run`.", show_default=True
)


@click.command()
@click.argument("run_folder", type=folder)
@click.option("--store", envvar="OWNMARK_STORE", help="The run's store, if it is at an address like s3://...")
def status(run_folder: Path, store: str | None) -> None:
    """Say how far the run in RUN_FOLDER is, what is computed where, and how long it may take."""
    from ownmark.runner.progress import duration
    from ownmark.runner.status import since
    from ownmark.runner.status import status as status_of

    found = status_of(run_folder, store)
    failed = f", {found.failed} failed" if found.failed else ""
    click.echo(f"{found.recorded} of {found.cells} cells have a record{failed}")
    for kind, (done, of) in found.stages.items():
        click.echo(shown(f"  {kind:10s} {done}/{of}"))
    for one in found.running:
        label, host = one.owner.get("label", ""), one.owner.get("host", "")
        where = f"{host}, process {one.owner.get('process')}" if host else "an unknown place"
        click.echo(shown(f"{one.stage} {label}: {duration(since(one))} on {where}", 400))
    if not found.running:
        click.echo("nothing is being computed")
    if found.recorded < found.cells and found.seconds is not None:
        click.echo(f"about {duration(found.seconds)} left")


@click.command()
@click.argument("cell")
@click.option("--plan", help="The cell's plan; by default the last run in `runs` that has the cell.")
@_place
def why(cell: str, plan: str | None, store: str) -> None:
    """Say of each stage of CELL (a record's id) whether it is stored, or which of its inputs differs from what is."""
    from ownmark.runner.why import plan_of
    from ownmark.runner.why import why as reasons_of

    name = Path(cell).stem if cell.endswith(".json") else cell
    session = _session(plan, store) if plan is not None else _session_of(plan_of(name), store)
    found, reasons = reasons_of(session, name)
    click.echo(shown(f"{found.id} {found.label}", 400))
    for one in reasons:
        state = "stored" if one.stored else "; ".join(one.differs) or "nothing like it is stored"
        click.echo(shown(f"  {one.stage:10s} {one.label}: {state}", 1000))


@click.group()
def store() -> None:
    """Look after a store of finished stages."""


@store.command("list")
@click.argument("stage", required=False)
@_place
def list_entries(stage: str | None, store: str) -> None:
    """List entries, all or those of one STAGE: digest, bytes, label."""
    from ownmark.runner.keeping import entries

    for one in entries(_store(store)):
        if stage in (None, one.stage):
            click.echo(shown(f"{one.stage:10s} {one.digest[:12]} {one.size:>12,d}  {one.label}", 400))


@store.command()
@_place
def size(store: str) -> None:
    """Say how many entries of each kind there are, and how many bytes they take."""
    from ownmark.runner.keeping import entries

    counts, sizes = Counter[str](), Counter[str]()
    for one in entries(_store(store)):
        counts[one.stage] += 1
        sizes[one.stage] += one.size
    for stage in counts:
        click.echo(shown(f"{stage:10s} {counts[stage]:>8,d} entries {sizes[stage]:>16,d} bytes"))
    click.echo(f"{'all':10s} {counts.total():>8,d} entries {sizes.total():>16,d} bytes")


@store.command()
@_place
def verify(store: str) -> None:
    """Read every file of every entry; exit 1 if one is damaged. A run computes damaged entries again."""
    from ownmark.runner.keeping import damaged

    problems = list(damaged(_store(store)))
    for kept, problem in problems:
        click.secho(shown(f"{kept.stage} {kept.label}: {problem}", 1000), fg="red")
    click.echo(f"{len(problems)} damaged entries")
    end(1 if problems else 0)


@store.command()
@click.option("--keep", multiple=True, metavar="PLAN", help="A plan whose stages stay; more may follow.")
@click.argument("more", nargs=-1, metavar="[PLAN]...")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@_place
def prune(keep: tuple[str, ...], more: tuple[str, ...], dry_run: bool, store: str) -> None:
    """Remove every stage that none of the plans needs today: ownmark store prune --keep a.yaml b.yaml."""
    from ownmark.runner.keeping import remove, unneeded

    if not keep:
        raise click.UsageError(
            "name the plans whose stages stay with --keep; to remove all, delete the folder"
        )
    needed: set[str] = set()
    place = _store(store)
    for plan in (*keep, *more):
        session = _session(plan, store)
        needed |= set(session.graph().nodes)
    found = unneeded(place, needed)
    if not dry_run:
        remove(place, found)
    said = "would be removed" if dry_run else "removed"
    click.echo(f"{len(found)} entries, {sum(one.size for one in found):,d} bytes {said}")


def _store(address: str) -> Store:
    from ownmark.errors import OwnmarkError
    from ownmark.runner.store import store_at

    found = store_at(address)
    if not found.root.is_dir():
        raise OwnmarkError(f"{address}: there is no store; name it with --store, or OWNMARK_STORE")
    return found


def _session(plan: str, store: str) -> Session:
    from ownmark.runner.session import prepare

    with TemporaryDirectory() as nowhere:  # nothing is run, and no run folder is made
        return prepare(plan, nowhere, store, "auto", None, None)


def _session_of(plan: tuple[str, str], store: str) -> Session:
    from ownmark.discovery import discover
    from ownmark.runner.plan import parse_plan
    from ownmark.runner.session import checked_session
    from ownmark.runner.why import require_known

    (parsed, document), catalog = parse_plan(*plan), discover()
    require_known(parsed, document, catalog)
    folder = Path("runs", parsed.name).resolve()
    return checked_session(parsed, document, folder, store, "auto", None, catalog)
