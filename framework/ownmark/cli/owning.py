"""Commands for owners of a mark or of records: `add-reader`, `recommend`."""

from __future__ import annotations

from pathlib import Path

import click

from ownmark.cli.parts import Place, console, device, folder
from ownmark.wording import counted


@click.command("add-reader")
@click.argument("mark", type=folder)
@click.argument("reader")
@click.option("--nulls", type=click.IntRange(1, 1000), help="Null models to train by the mark's recipe.")
@click.option(
    "--null-weights", multiple=True, type=Place(exists=True, path_type=Path),
    help="A file of an independent network without a mark; may be repeated.",
)  # fmt: skip
@click.option("--rate", type=float, help="Of its verdicts (default: as the mark was embedded).")
@device
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
    from ownmark.ownership import add_reader as add
    from ownmark.runner.progress import Terminal

    if nulls is not None and null_weights:
        raise click.UsageError(
            "--nulls trains them, --null-weights names files of your own: give one of them"
        )
    with Terminal(console()) as progress:
        kept = add(
            mark, reader, nulls=null_weights or nulls or 0, rate=rate, device=device, trust_mark=trust_mark,
            progress=progress,
        )  # fmt: skip
    models = f", {len(kept['null_hits'])} null models" if kept["null_hits"] else ""
    click.echo(
        f"{mark} is now also read by {reader}: {kept['n']} {kept['symbol']}s at a rate of {kept['rate']:g}{models}"
    )


@click.command()
@click.argument("runs", nargs=-1, type=folder)
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
    click.echo(f"\n{counted(len(records), 'record')} of {counted(len(folders), 'run')}")
