"""Commands on marks that are there already: `trace`, `add-reader`; and `embed --copies`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

_folder = click.Path(exists=True, file_okay=False, path_type=Path)
_device = click.option("--device", default="auto", show_default=True, help="As for `run`.")


def embed_for_buyers(
    plan: str, into: Path, copies: Path, max_loss: float | None, controls: Any, device: str, console: Console
) -> None:
    """What `embed --copies` does."""
    from ownmark.ownership.copies import buyers_in, embed_copies
    from ownmark.runner.progress import Terminal

    with Terminal(console) as progress:
        made = embed_copies(
            plan,
            into,
            buyers_in(copies),
            max_loss=max_loss,
            controls=controls,
            device=device,
            progress=progress,
        )
    used = list(made.utility.values())
    least = min(one["marked"] for one in used)
    click.echo(f"{used[0]['metric']}: {used[0]['host']:.3f} unmarked, {least:.3f} or better in every copy")
    click.echo(f"{len(made.places)} copies: give away {into}/BUYER/released, keep all the rest")
    click.echo(f"whose copy leaked: ownmark trace {into} SUSPECT")


@click.command()
@click.argument("copies", type=_folder)
@click.argument("suspect")
@click.option("--reader", default="default", show_default=True, help="One of the marks' extractors.")
@click.option("--rate", default=0.05, show_default=True, help="Rate of naming anybody wrongly.")
@click.option("--budget", type=int, help="Images that a service may be sent, at most.")
@click.option("--labels", help="As for `verify`.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the record here, as JSON."
)
@_device
@click.option(
    "--trust", is_flag=True, help="COPIES and SUSPECT are your own folders: run the code they name."
)
@click.option("--trust-mark", is_flag=True, help="COPIES are your own, SUSPECT is not.")
def trace(
    copies: Path,
    suspect: str,
    reader: str,
    rate: float,
    budget: int | None,
    labels: str | None,
    out: Path | None,
    device: str,
    trust: bool,
    trust_mark: bool,
) -> None:
    """Say which buyer's copy SUSPECT is, of those in COPIES (`ownmark embed --copies`).

    Exit 0 if a buyer is named, 1 for none, 2 if it cannot be told. SUSPECT as for `verify`.
    """
    from ownmark.ownership.telling import named_labels
    from ownmark.ownership.tracing import told
    from ownmark.ownership.tracing import trace as trace_copies
    from ownmark.runner.places import require_writable, writing
    from ownmark.runner.store import write_text
    from ownmark.strictjson import written

    if out is not None:
        require_writable(out.parent, "--out")
    record = trace_copies(
        copies, suspect, reader=reader, rate=rate, budget=budget, device=device, trust=trust, trust_mark=trust_mark,
        labels=named_labels(labels),
    )  # fmt: skip
    for line in told(record):
        click.echo(line)
    if out is not None:
        with writing(out):
            write_text(out, written(record), mode=0o600)
    click.get_current_context().exit({True: 0, False: 1, None: 2}[record["claim"]])


@click.command("add-reader")
@click.argument("mark", type=_folder)
@click.argument("reader")
@click.option("--nulls", type=click.IntRange(1, 1000), help="Null models to train by the mark's recipe.")
@click.option(
    "--null-weights", multiple=True, type=click.Path(exists=True, path_type=Path),
    help="A file of an independent network without a mark; may be repeated.",
)  # fmt: skip
@click.option("--rate", type=float, help="Of its verdicts (default: as the mark was embedded).")
@_device
@click.option("--trust-mark", is_flag=True, help="MARK is your own: run the code it names.")
def add_reader(
    mark: Path,
    reader: str,
    nulls: int | None,
    null_weights: tuple[Path, ...],
    rate: float | None,
    device: str,
    trust_mark: bool,
) -> None:
    """Add READER to MARK, written as in a plan: `align` after a thief has shuffled neurons, say."""
    from rich.console import Console

    from ownmark.ownership import add_reader as add
    from ownmark.runner.progress import Terminal

    if nulls is not None and null_weights:
        raise click.UsageError(
            "--nulls trains them, --null-weights names files of your own: give one of them"
        )
    with Terminal(Console()) as progress:
        kept = add(
            mark, reader, nulls=null_weights or nulls or 0, rate=rate, device=device, trust_mark=trust_mark,
            progress=progress,
        )  # fmt: skip
    models = f", {len(kept['null_hits'])} null models" if kept["null_hits"] else ""
    click.echo(
        f"{mark} is now also read by {reader}: {kept['n']} {kept['symbol']}s at a rate of {kept['rate']:g}{models}"
    )


@click.command()
@click.argument("runs", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--access",
    type=click.Choice(["black-box", "white-box"]),
    help="Suspects answer only, or show their weights.",
)
@click.option(
    "--trained", is_flag=True, help="The network is trained already, and stays as it is but for the mark."
)
@click.option(
    "--fear", "fears", multiple=True, metavar="ATTACK", help="An attack it must withstand; may be repeated."
)
def recommend(runs: tuple[Path, ...], access: str | None, trained: bool, fears: tuple[str, ...]) -> None:
    """Say which schemes fit, and in the records of RUNS (default: all in `runs`) against which attacks they held.

    A figure is the number of attacked networks that could still be claimed, of how many.
    """
    from ownmark.discovery import discover
    from ownmark.methods import Kind
    from ownmark.report.read import read_records
    from ownmark.report.recommend import markdown
    from ownmark.report.recommend import recommend as advise

    catalog = discover()
    for name in fears:
        catalog.find(Kind.ATTACK, name)
    folders = runs or tuple(sorted(path.parent for path in Path("runs").glob("*/records")))
    records = [record for folder in folders for record in read_records(folder)]
    advice = advise(catalog.of(Kind.SCHEME), records, access=access or "", trained=trained, fears=fears)
    click.echo(markdown(advice, fears))
    click.echo(f"\n{len(records)} records of {len(folders)} runs")
