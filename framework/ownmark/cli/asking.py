"""Commands that end in a verdict: `verify`, `trace`, `evidence`, `judge`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ownmark.cli.parts import VERDICT, Place, console, device, end, folder
from ownmark.foreign import shown


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
@click.option("--budget", type=int, help="Images that a service may be sent, at most.")
@click.option("--out", type=Place(dir_okay=False, path_type=Path), help="Write the record here, as JSON.")
@device
@click.option("--trust", is_flag=True, help="MARK and SUSPECT are your own folders: run the code they name.")
@click.option("--trust-mark", is_flag=True, help="MARK is your own, SUSPECT is not.")
@click.option("--header", multiple=True, metavar="NAME:VALUE", help="Sent to the service; may be repeated.")
@click.option(
    "--header-from-env",
    multiple=True,
    metavar="NAME=VAR",
    help="A header whose value is in the variable VAR, which keeps a token out of the list of processes.",
)
@click.option(
    "--header-file", type=Place(path_type=Path), help="Headers from a file, one NAME: VALUE a line."
)
@click.option(
    "--stranger",
    metavar="DISTRIBUTION",
    help="Read with this distribution's extractor of the same id, though the mark names another's.",
)
@click.option("--batch-size", default=64, show_default=True, help="Images a request.")
@click.option("--per-second", default=0.0, show_default=True, help="Requests a second, at most; 0: no limit.")
@click.option("--retries", default=4, show_default=True, help="Of a request that failed.")
@click.option("--timeout", default=30.0, show_default=True, help="Seconds for one answer.")
@click.option(
    "--request-field", default="instances", show_default=True, help="Of the JSON that is sent; dots nest."
)
@click.option(
    "--answer-field",
    default="",
    help="Of the JSON that comes back, result.0.scores if nested; else found by itself.",
)
@click.option("--layout", type=click.Choice(["chw", "hwc"]), default="chw", show_default=True)
@click.option("--sequential", is_flag=True, help="Stop as soon as few images decide; same rate.")
@click.option("--pixels", type=click.Choice(["unit", "byte"]), default="unit", show_default=True)
@click.option(
    "--protocol",
    type=click.Choice(["plain", "v2", "huggingface", "torchserve", "gradio"]),
    default="plain",
    show_default=True,
    help="Of the service; v2 is KServe's and Triton's.",
)
@click.option("--input-name", default="input", show_default=True, help="Of the tensor, with --protocol v2.")
@click.option(
    "--labels",
    help="Names of the labels in order, if the suspect answers with names: a,b,c, or a file, one a line.",
)
def verify(
    mark: Path,
    suspect: str,
    reader: str,
    rate: float | None,
    budget: int | None,
    out: Path | None,
    device: str,
    trust: bool,
    trust_mark: bool,
    sequential: bool,
    stranger: str | None,
    header: tuple[str, ...],
    header_from_env: tuple[str, ...],
    header_file: Path | None,
    labels: str | None,
    **service: Any,
) -> None:
    """Ask with the folder MARK whose SUSPECT is; exit 0 for a claim, 1 for none, 2 if it cannot be told.

    SUSPECT is a file of weights (safetensors, .pt, .ckpt, ...) or a folder with one, the address of a prediction
    service (http://...), or a Python function, package.module:name, of images that gives labels or scores.
    """
    from ownmark.ownership.credentials import gathered
    from ownmark.ownership.several import readers_of, several
    from ownmark.ownership.telling import ask, told
    from ownmark.runner.places import require_writable, writing
    from ownmark.runner.store import write_text
    from ownmark.strictjson import written

    headers = gathered(header, header_from_env, header_file)
    if out is not None:
        require_writable(out.parent, "--out")

    def one(name: str) -> dict[str, Any]:
        return ask(
            mark, suspect, name, rate, budget, device, headers, service, console(), trust, trust_mark, sequential,
            stranger, labels,
        )  # fmt: skip

    records = several(one, readers_of(mark, reader))
    for record in records:
        for line in told(record):
            click.echo(line)
    if out is not None:
        with writing(out):
            write_text(out, written(records[0] if len(records) == 1 else records), mode=0o600)
    claims = [record["claim"] for record in records]
    end(0 if True in claims else 2 if None in claims else 1)


@click.command()
@click.argument("copies", type=folder)
@click.argument("suspect")
@click.option("--reader", default="default", show_default=True, help="One of the marks' extractors.")
@click.option("--rate", default=0.05, show_default=True, help="Rate of naming anybody wrongly.")
@click.option("--budget", type=int, help="Images that a service may be sent, at most.")
@click.option("--labels", help="As for `verify`.")
@click.option("--out", type=Place(dir_okay=False, path_type=Path), help="Write the record here, as JSON.")
@device
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
    end(VERDICT[record["claim"]])


@click.command()
@click.argument("mark", type=folder)
@click.argument("suspect")
@click.option("--into", type=Place(path_type=Path), required=True, help="Folder to make, for a judge.")
@click.option("--reader", default="default", show_default=True, help="One of the mark's extractors.")
@click.option("--rate", type=float, help="As for `verify`.")
@click.option("--budget", type=int, help="As for `verify`.")
@click.option("--sequential", is_flag=True, help="As for `verify`.")
@device
@click.option("--trust-mark", is_flag=True, help="As for `verify`.")
def evidence(
    mark: Path,
    suspect: str,
    into: Path,
    reader: str,
    rate: float | None,
    budget: int | None,
    sequential: bool,
    device: str,
    trust_mark: bool,
) -> None:
    """Ask with MARK whose SUSPECT is, as `verify` does, and leave a folder for a judge to recompute the verdict."""
    from ownmark.ownership.proof import gathered, write_evidence
    from ownmark.ownership.telling import told

    record, recorder = gathered(
        mark, suspect, into, reader=reader, rate=rate, budget=budget, sequential=sequential, device=device,
        trust_mark=trust_mark,
    )  # fmt: skip
    for line in told(record):  # before the folder is written: a full disk costs no verdict
        click.echo(line)
    write_evidence(mark, into, record, recorder)
    click.echo(f"wrote {into}: for a judge's eyes, it shows the key; publish {into / 'statement.json'} alone")
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
