"""Commands on plans: `run`, `audit`, `report`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ownmark.cli.parts import Place, console, device, end, folder
from ownmark.foreign import redacted, shown
from ownmark.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from ownmark.report import Report
    from ownmark.runner.execute import Executor


@click.command()
@click.argument("plan")
@click.option("--out", type=Place(path_type=Path), help="Run folder (default: runs/NAME).")
@click.option(
    "--store",
    envvar="OWNMARK_STORE",
    help="Where finished stages are kept and found again, a folder or an address like s3://bucket/store (default: "
    ".ownmark, or OWNMARK_STORE).",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, ...")
@click.option(
    "--workers", type=click.IntRange(1, 1024), help="Processes that share the stages, on this machine."
)
@click.option("--cluster", metavar="ADDRESS", help="A Ray cluster that computes the stages: auto, HOST:PORT.")
@click.option("--dry-run", is_flag=True, help="Check the plan, say how much is to be computed, and stop.")
def run(
    plan: str, out: Path | None, store: str | None, device: str, workers: int | None, cluster: str | None,
    dry_run: bool,
) -> None:  # fmt: skip
    """Run PLAN, a YAML file or the name of a plan (`ownmark list plans`), and print its report.

    Finished stages are kept: run the same command again after a crash, or after changing one line of the plan, and
    only what is missing is computed.
    """
    executor = _executor(workers, cluster)
    if dry_run:
        return _survey(plan, out, store, device)

    from ownmark.report import write_report
    from ownmark.runner import run as run_plan
    from ownmark.runner.progress import Terminal

    screen = console()
    with Terminal(screen) as progress:
        finished = run_plan(plan, out=out, store=store, device=device, progress=progress, executor=executor)
    report = write_report(finished.folder)
    _print(report, screen)
    if finished.failed:
        again = " ".join(["ownmark", *map(redacted, sys.argv[1:])])
        click.echo(
            f"{len(finished.failed)} of {len(finished.records)} cells failed; to try them again: {again}"
        )
        end(1)


def _survey(plan: str, out: Path | None, store: str | None, device: str) -> None:
    """Whether the plan can be run, and how many of its stages are stored."""
    from ownmark.runner import survey

    found = survey(plan, out=out, store=store, device=device)
    click.echo(
        f"the plan can be run: {counted(found.cells, 'cell')}, {counted(found.missing, 'stage')} to compute"
    )
    for kind, (stored, of) in found.stages.items():
        click.echo(f"  {kind:10s} {stored}/{of} stored")
    if found.impossible:
        click.echo(f"{counted(found.impossible, 'cell')} cannot be run; their records will say why")


def _executor(workers: int | None, cluster: str | None) -> Executor | None:
    """Where stages run; None for this process."""
    if workers is not None and cluster is not None:
        raise click.UsageError("--workers is for this machine, --cluster for others: give one of them")
    if workers is None and cluster is None:
        return None
    from ownmark.runner.cluster import OnRay

    return OnRay(workers, cluster)


@click.command()
@click.argument("plan")
@click.option(
    "--held-out",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="Networks trained for the audit alone.",
)
@click.option(
    "--keys",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    help="Fresh keys read from each of them.",
)
@click.option("--store", type=Place(path_type=Path), envvar="OWNMARK_STORE", help="As for `run`.")
@device
def audit(plan: str, held_out: int, keys: int, store: Path | None, device: str) -> None:
    """Measure how often PLAN's verdicts claim networks that carry no mark; exit 1 if more often than stated.

    Beside the rate: that of the worst key, and what null models or decoys alone would claim.
    """
    from ownmark.runner import audit as audit_plan
    from ownmark.runner.progress import Terminal

    with Terminal(console()) as progress:
        rows = audit_plan(plan, held_out=held_out, keys=keys, store=store, device=device, progress=progress)
    click.echo(
        "achieved [95 % interval]  stated  theta  worst key  nulls  decoys  null models -> held out x keys"
    )
    for row in rows:
        rate = f"{row.rate:.3f} [{row.interval.low:.3f}, {row.interval.high:.3f}]"
        setting = f"{row.null_models} -> {row.models} x {row.keys}"
        decoys = "-" if row.by_decoys is None else f"{row.by_decoys:.3f}"
        alone = f"{row.worst_key:9.3f}  {row.by_nulls:5.3f}  {decoys:>6s}"
        line = (
            f"{rate:24s}  {row.stated:6g}  {row.theta:5.3f}  {alone}  {setting:14s}  {row.task} {row.scheme}"
        )
        reader = "" if row.extractor == "default" else f" ({row.extractor})"
        own = "" if row.seed is None else f", key of seed {row.seed}"
        click.secho(shown(f"{line}{reader}{own}"), fg="red" * row.exceeded or None)
    end(1 if any(row.exceeded for row in rows) else 0)


@click.command()
@click.argument("run_folder", type=folder)
def report(run_folder: Path) -> None:
    """Write the report of RUN_FOLDER again from its records, and print the matrix."""
    from ownmark.report import write_report

    held = {path.name for path in run_folder.iterdir()}
    if held and not held & {"plan.json", "records"}:
        raise click.UsageError(
            f"{run_folder}: no run; give a folder that `ownmark run` has written (runs/NAME)"
        )
    _print(write_report(run_folder), console())


def _print(report: Report, console: Console) -> None:
    """The matrix, what went wrong while reading the records, and where the files are."""
    from rich.text import Text

    from ownmark.report import matrix

    console.print(matrix(report.records, report.plan))
    for problem in report.problems:
        console.print(Text(f"note: {shown(problem, 1000)}", style="yellow"))
    console.print(Text(f"{report.summary}  Report: {shown(report.folder / 'report.html')}"), soft_wrap=True)
