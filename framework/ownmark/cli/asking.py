"""Commands that end in a verdict: `verify`, `trace`, `evidence`, `judge`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ownmark.cli.parts import VERDICT, Place, console, device, end, folder, new_folder
from ownmark.cli.service import Asking, service_options
from ownmark.foreign import shown

_record = click.option(
    "--out", type=Place(dir_okay=False, path_type=Path), help="Write the record here, as JSON."
)


@click.command()
@click.argument("mark", type=folder)
@click.argument("suspect")
@click.option(
    "--reader",
    default="default",
    show_default=True,
    help="One of the mark's extractors, several (a,b), or all.",
)
@click.option("--rate", type=float, help="Rate of false positives, if not the one it was embedded with.")
@click.option("--sequential", is_flag=True, help="Stop as soon as few images decide; same rate.")
@_record
@device
@click.option("--trust", is_flag=True, help="MARK and SUSPECT are your own folders: run the code they name.")
@click.option("--trust-mark", is_flag=True, help="MARK is your own, SUSPECT is not.")
@click.option(
    "--stranger",
    metavar="DISTRIBUTION",
    help="Read with this distribution's extractor of the same id, though the mark names another's.",
)
@service_options
def verify(mark: Path, suspect: str, reader: str, out: Path | None, asking: Asking, **options: Any) -> None:
    """Ask with the folder MARK whose SUSPECT is; exit 0 for a claim, 1 for none, 2 if it cannot be told.

    SUSPECT is a file of weights (safetensors, .pt, .ckpt, ...) or a folder with one, the address of a prediction
    service (http://...), or a Python function, package.module:name, of images that gives labels or scores.
    """
    from ownmark.ownership import verify as verify_mark
    from ownmark.ownership.several import readers_of, several
    from ownmark.ownership.telling import counted, told

    asked = asking.suspect(suspect)
    _require_place(out)

    def one(name: str) -> dict[str, Any]:
        with counted(console(), asked) as progress:
            return verify_mark(
                mark,
                asked,
                reader=name,
                budget=asking.budget,
                labels=asking.labels,
                progress=progress,
                **options,
            )

    records = several(one, readers_of(mark, reader))
    for record in records:
        for line in told(record):
            click.echo(line)
    _write(out, records[0] if len(records) == 1 else records)
    claims = [record["claim"] for record in records]
    end(0 if True in claims else 2 if None in claims else 1)


@click.command()
@click.argument("copies", type=folder)
@click.argument("suspect")
@click.option("--reader", default="default", show_default=True, help="One of the marks' extractors.")
@click.option("--rate", default=0.05, show_default=True, help="Rate of naming anybody wrongly.")
@_record
@device
@click.option(
    "--trust", is_flag=True, help="COPIES and SUSPECT are your own folders: run the code they name."
)
@click.option("--trust-mark", is_flag=True, help="COPIES are your own, SUSPECT is not.")
@service_options
def trace(copies: Path, suspect: str, out: Path | None, asking: Asking, **options: Any) -> None:
    """Say which buyer's copy SUSPECT is, of those in COPIES (`ownmark embed --copies`).

    Exit 0 if a buyer is named, 1 for none, 2 if it cannot be told. SUSPECT as for `verify`.
    """
    from ownmark.ownership.telling import counted
    from ownmark.ownership.tracing import told
    from ownmark.ownership.tracing import trace as trace_copies

    asked = asking.suspect(suspect)
    _require_place(out)
    with counted(console(), asked) as progress:
        record = trace_copies(
            copies, asked, budget=asking.budget, labels=asking.labels, progress=progress, **options
        )
    for line in told(record):
        click.echo(line)
    _write(out, record)
    end(VERDICT[record["claim"]])


@click.command()
@click.argument("mark", type=folder)
@click.argument("suspect")
@new_folder
@click.option("--reader", default="default", show_default=True, help="One of the mark's extractors.")
@click.option("--rate", type=float, help="As for `verify`.")
@click.option("--sequential", is_flag=True, help="As for `verify`.")
@device
@click.option("--trust-mark", is_flag=True, help="As for `verify`.")
@service_options
def evidence(mark: Path, suspect: str, into: Path, asking: Asking, **options: Any) -> None:
    """Ask with MARK whose SUSPECT is, as `verify` does, and leave a folder for a judge to recompute the verdict."""
    from ownmark.ownership.folder import IMAGES
    from ownmark.ownership.proof import gathered, write_evidence
    from ownmark.ownership.telling import counted, told

    asked = asking.suspect(suspect)
    with counted(console(), asked) as progress:
        record, recorder = gathered(
            mark, asked, into, budget=asking.budget, labels=asking.labels, progress=progress, **options
        )
    for line in told(record):  # before the folder is written: a full disk costs no verdict
        click.echo(line)
    write_evidence(mark, into, record, recorder)
    shows = (
        "the key and the images that it was drawn from" if (into / "owner" / IMAGES).exists() else "the key"
    )
    click.echo(f"wrote {into}: for a judge's eyes, it shows {shows}; publish {into / 'statement.json'} alone")
    end(VERDICT[record["claim"]])


@click.command()
@click.argument("folder", type=folder)
@click.argument("suspect", required=False)
@click.option("--device", default="cpu", show_default=True, help="As for `run`.")
@click.option("--trust-mark", is_flag=True, help="Use code and files that FOLDER names; look at them first.")
@click.option(
    "--stamp-root", type=Place(exists=True, dir_okay=False, path_type=Path), multiple=True,
    help="PEM file of a certificate that the commitment's time stamp must be signed under; repeatable.",
)  # fmt: skip
def judge(
    folder: Path, suspect: str | None, device: str, trust_mark: bool, stamp_root: tuple[Path, ...]
) -> None:
    """Recompute the verdict of an evidence FOLDER without trusting the owner; ask SUSPECT again if it is given."""
    from ownmark.ownership import judge as recompute
    from ownmark.ownership.telling import told

    record = recompute(folder, suspect, device=device, trust_mark=trust_mark, roots=stamp_root)
    for line in told(record):
        click.echo(line)
    for words in record["agrees"]:
        click.echo(f"  checked: {shown(words, 400)}")
    if again := record["asked_again"]:
        click.echo("asked again:")
        for line in told(again):
            click.echo(f"  {line}")
    decisive = again or record
    end(VERDICT[decisive["claim"]])


def _require_place(out: Path | None) -> None:
    """Before anybody is asked: a verdict is not lost to a wrong path."""
    from ownmark.runner.places import require_writable

    if out is None or _is_device(out):
        return
    if out.exists() and not out.is_file():
        raise click.UsageError(f"--out {out}: a pipe or the like stands there; name a file")
    require_writable(out.resolve().parent, "--out")


def _write(out: Path | None, record: Any) -> None:
    from ownmark.runner.places import writing
    from ownmark.runner.store import write_text
    from ownmark.scratch import clear
    from ownmark.strictjson import written

    if out is None:
        return
    with writing(out):
        if _is_device(out):
            with out.open("a", encoding="utf-8") as file:
                file.write(written(record))
        else:
            clear(out.resolve())
            write_text(out.resolve(), written(record), mode=0o600)


def _is_device(out: Path) -> bool:
    """Whether this is /dev/stdout, /dev/null, a terminal: in their place no file must be put."""
    return out.is_char_device() or (out.parent == Path("/dev") and out.exists())
