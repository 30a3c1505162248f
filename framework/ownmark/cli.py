"""`ownmark` on the command line: each command a few lines that call a function.

Only click is imported here; whatever is heavy is imported by the command that needs it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ownmark import __version__, cli_keeping, cli_marks
from ownmark.boundary import Commands
from ownmark.foreign import paragraph, redacted, shown
from ownmark.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from ownmark.methods import Declaration
    from ownmark.report import Report
    from ownmark.runner.execute import Executor

_KINDS = ("schemes", "extractors", "attacks", "metrics", "datasets", "hosts", "plans")

SLOW = 0.25
"""Seconds from which a pack is worth telling how much it costs."""


class _Place(click.Path):
    """A path; `~` is the home folder, also where a shell leaves it, as in `--store=~/x` and in OWNMARK_STORE."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Text to a path."""
        return super().convert(os.path.expanduser(value), param, ctx)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
@click.option(
    "--pack",
    "packs",
    multiple=True,
    type=_Place(exists=True, file_okay=False, path_type=Path),
    help="Folder of a pack that is not installed (with its pyproject.toml); may be repeated.",
)
def main(packs: tuple[Path, ...]) -> None:
    """Mark neural networks as yours, read the mark back, try to remove it, and learn what can be claimed.

    Start with:  ownmark run quickstart
    """
    for stream in (
        sys.stdout,
        sys.stderr,
    ):  # a label that the terminal cannot print must not end a night's run
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    # Threads that spin while they wait cost 4 to 8 x on a shared machine (29 and 39 s instead of 5 and 7 for a digits
    # host) and gain nothing on an idle one (3.9 and 5.3 s, 3.3 and 3.9); read when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if packs:  # in the environment, so that processes of this one find them too
        folders = [*(str(path.resolve()) for path in packs), *filter(None, [os.environ.get("OWNMARK_PACKS")])]
        os.environ["OWNMARK_PACKS"] = os.pathsep.join(folders)


_FURTHER = (
    cli_keeping.status, cli_keeping.why, cli_keeping.store, cli_marks.trace, cli_marks.add_reader, cli_marks.recommend,
)  # fmt: skip
for _command in _FURTHER:
    main.add_command(_command)


def _end(code: int) -> None:
    """End the command with an exit code; `sys.exit` would look like a method that ends the program."""
    click.get_current_context().exit(code)


def _console() -> Console:
    from rich.console import Console

    return Console()


@main.command()
@click.argument("plan")
@click.option("--out", type=_Place(path_type=Path), help="Run folder (default: runs/NAME).")
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
def run(
    plan: str, out: Path | None, store: str | None, device: str, workers: int | None, cluster: str | None
) -> None:
    """Run PLAN, a YAML file or the name of a plan (`ownmark list plans`), and print its report.

    Finished stages are kept: run the same command again after a crash, or after changing one line of the plan, and
    only what is missing is computed.
    """
    from ownmark.report import write_report
    from ownmark.runner import run as run_plan
    from ownmark.runner.progress import Terminal

    console = _console()
    with Terminal(console) as progress:
        finished = run_plan(
            plan, out=out, store=store, device=device, progress=progress, executor=_executor(workers, cluster)
        )
    report = write_report(finished.folder)
    _print(report, console)
    if finished.failed:
        again = " ".join(["ownmark", *map(redacted, sys.argv[1:])])
        click.echo(
            f"{len(finished.failed)} of {len(finished.records)} cells failed; to try them again: {again}"
        )
        _end(1)


def _executor(workers: int | None, cluster: str | None) -> Executor | None:
    """Where stages run; None for this process."""
    if workers is not None and cluster is not None:
        raise click.UsageError("--workers is for this machine, --cluster for others: give one of them")
    if workers is None and cluster is None:
        return None
    from ownmark.runner.cluster import OnRay

    return OnRay(workers, cluster)


@main.command()
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
@click.option("--store", type=_Place(path_type=Path), envvar="OWNMARK_STORE", help="As for `run`.")
@click.option("--device", default="auto", show_default=True, help="As for `run`.")
def audit(plan: str, held_out: int, keys: int, store: Path | None, device: str) -> None:
    """Measure how often PLAN's verdicts claim networks that carry no mark; exit 1 if more often than stated.

    Beside the rate: that of the worst key, and what null models or decoys alone would claim.
    """
    from ownmark.runner import audit as audit_plan
    from ownmark.runner.progress import Terminal

    with Terminal(_console()) as progress:
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
    _end(1 if any(row.exceeded for row in rows) else 0)


@main.command()
@click.argument("plan")
@click.option("--into", type=_Place(path_type=Path), required=True, help="Folder to make.")
@click.option(
    "--max-loss",
    type=click.FloatRange(0, 1),
    help="Utility that the mark may cost; past it, nothing is released (default: 0.01 for trained weights).",
)
@click.option("--device", default="auto", show_default=True, help="As for `run`.")
@click.option(
    "--controls",
    help="The dataset of clean images that suspects are asked about, as in a plan (default: the plan's test images).",
)
@click.option(
    "--copies",
    type=_Place(exists=True, dir_okay=False, path_type=Path),
    help="A CSV file with a column `buyer`: one marked copy for each, to be told apart by `ownmark trace`.",
)
@click.option(
    "--commitment",
    type=_Place(exists=True, file_okay=False, path_type=Path),
    help="Folder of `ownmark commit`.",
)
@click.option(
    "--randomness", default="", help="With --commitment: public, and later than it; say a beacon's round."
)
def embed(
    plan: str,
    into: Path,
    max_loss: float | None,
    device: str,
    controls: str | None,
    copies: Path | None,
    commitment: Path | None,
    randomness: str,
) -> None:
    """Mark the network of PLAN (one task, one scheme) under a fresh secret, to be released and claimed later.

    INTO/released is what you give away, INTO/owner what nobody else may see. Killed halfway, the same command goes on.
    With a commitment, the key is one that nobody could choose. With copies, INTO holds one such folder a buyer.
    """
    from ownmark.ownership import embed as embed_mark
    from ownmark.ownership.knowing import images_of
    from ownmark.runner.progress import Terminal

    clean = None if controls is None else images_of(controls)
    if copies is not None:
        if commitment is not None:
            raise click.UsageError("--commitment commits to one key, --copies draws many: give one of them")
        cli_marks.embed_for_buyers(plan, into, copies, max_loss, clean, device, _console())
        return
    with Terminal(_console()) as progress:
        made = embed_mark(
            plan, into, max_loss=max_loss, device=device, commitment=commitment, randomness=randomness,
            controls=clean, progress=progress,
        )  # fmt: skip
    used = made.utility
    click.echo(f"{used['metric']}: {used['marked']:.3f} marked, {used['host']:.3f} unmarked")
    if used["loss"] > 0.01:
        click.secho(
            f"the mark costs {used['loss']:.3f} of {used['metric']}; --max-loss sets a limit", fg="yellow"
        )
    for reader, found in made.verdicts.items():
        click.echo(
            f"read by {shown(reader, 80)}: claim at theta {found['theta']:.3f}, p = {found['p_value']:.2g}"
        )
    click.echo(
        f"give away: {into / 'released'}\nkeep:      {into / 'owner'} (whoever has it can claim and forge)"
    )


@main.command()
@click.argument("released", type=_Place(exists=True, path_type=Path))
@click.argument("method", metavar="ATTACK")
@click.option("--into", type=_Place(path_type=Path), required=True, help="Folder to make.")
@click.option("--given", default="{}", help="What the thief holds, as a plan's `attacker`: '{data: 500}'.")
@click.option(
    "--images",
    "--data",
    help="The dataset that the thief's images are from, as in a plan; its test images are counted.",
)
@click.option("--network", help="What a bare file holds the weights of: a host as in a plan.")
@click.option(
    "--trust", is_flag=True, help="RELEASED is your own: load the dataset and run the code it names."
)
@click.option("--seed", default=0, show_default=True)
@click.option("--device", default="auto", show_default=True, help="As for `run`.")
def attack(
    released: Path,
    method: str,
    into: Path,
    given: str,
    images: str | None,
    network: str | None,
    trust: bool,
    seed: int,
    device: str,
) -> None:
    """Attack the network RELEASED, a folder or a file, with ATTACK, written as in a plan: 'prune: {sparsity: 0.8}'."""
    from ownmark.ownership import attack as attack_network
    from ownmark.runner.progress import Terminal

    with Terminal(_console()) as progress:
        left = attack_network(
            released, method, into, given=given, images=images, network=network, trust=trust, seed=seed,
            device=device, progress=progress,
        )  # fmt: skip
    for name, value in left.exhibits.items():
        click.echo(f"{shown(name, 60)}: {shown(value)}")
    if left.accuracy:
        click.echo(f"accuracy: {left.accuracy['before']:.3f} before, {left.accuracy['after']:.3f} left")
    click.echo(f"wrote {left.folder}")


@main.command()
@click.argument("mark", type=_Place(exists=True, file_okay=False, path_type=Path))
@click.argument("suspect")
@click.option(
    "--reader",
    default="default",
    show_default=True,
    help="One of the mark's extractors, several (a,b), or all.",
)
@click.option("--rate", type=float, help="Rate of false positives, if not the one it was embedded with.")
@click.option("--budget", type=int, help="Images that a service may be sent, at most.")
@click.option("--out", type=_Place(dir_okay=False, path_type=Path), help="Write the record here, as JSON.")
@click.option("--device", default="auto", show_default=True, help="As for `run`.")
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
    "--header-file", type=_Place(path_type=Path), help="Headers from a file, one NAME: VALUE a line."
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
            mark, suspect, name, rate, budget, device, headers, service, _console(), trust, trust_mark, sequential,
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
    _end(0 if True in claims else 2 if None in claims else 1)


@main.command()
@click.argument("plan")
@click.option("--into", type=_Place(path_type=Path), required=True, help="Folder to make.")
@click.option("--stamp", metavar="URL", help="Time stamping authority (RFC 3161); its stamp is put beside.")
def commit(plan: str, into: Path, stamp: str | None) -> None:
    """Commit to a secret and to PLAN's task and scheme, before the network exists that will be claimed.

    Publish INTO/commitment.json at once, with its time stamp; keep INTO/secret.json for `ownmark embed --commitment`.
    """
    from ownmark.ownership import commit as commit_to

    made = commit_to(plan, into, authority=stamp)
    click.echo(
        f"committed: {made.digest}\npublish:   {into / 'commitment.json'}\nkeep:      {into / 'secret.json'}"
    )


@main.command()
@click.argument("mark", type=_Place(exists=True, file_okay=False, path_type=Path))
@click.argument("suspect")
@click.option("--into", type=_Place(path_type=Path), required=True, help="Folder to make, for a judge.")
@click.option("--reader", default="default", show_default=True, help="One of the mark's extractors.")
@click.option("--rate", type=float, help="As for `verify`.")
@click.option("--budget", type=int, help="As for `verify`.")
@click.option("--sequential", is_flag=True, help="As for `verify`.")
@click.option("--device", default="auto", show_default=True, help="As for `run`.")
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
    _end({True: 0, False: 1, None: 2}[record["claim"]])


@main.command()
@click.argument("folder", type=_Place(exists=True, file_okay=False, path_type=Path))
@click.argument("suspect", required=False)
@click.option("--device", default="cpu", show_default=True, help="As for `run`.")
@click.option("--trust-mark", is_flag=True, help="Use code and files that FOLDER names; look at them first.")
@click.option(
    "--stamp-root", type=click.Path(exists=True, dir_okay=False, path_type=Path), multiple=True,
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
    _end({True: 0, False: 1, None: 2}[decisive["claim"]])


@main.command("list")
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


@main.command()
@click.argument("name")
def show(name: str) -> None:
    """Show one method: paper, threat model, parameters with help and defaults, deviations from the paper.

    Of a folder that `ownmark embed` made: scheme, readers, and what its key is worth.
    """
    from rich.text import Text

    from ownmark.describe import describe

    console = _console()
    if (Path(name) / "owner" / "claim.json").is_file():
        from ownmark.ownership.showing import show_mark

        for line in show_mark(Path(name)):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        return
    for method in _everything_called(name):
        console.print(describe(method))
        for line in _worth(method):
            console.print(Text(paragraph(line)))


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
    from ownmark.errors import MethodNotFound
    from ownmark.methods import Kind

    catalog = discover()
    found: list[Declaration] = []
    errors: list[MethodNotFound] = []
    for kind in Kind:
        try:
            found.append(catalog.find(kind, name))
        except MethodNotFound as missing:
            errors.append(missing)
    if not found:
        raise next((error for error in errors if "did you mean" in str(error)), errors[0])
    return found


@main.command()
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
        state = f"disabled: {', '.join(pack.disabled)}" if pack.disabled else f"{pack.methods} methods"
        state += f", {pack.seconds:.2f} s" if pack.seconds >= SLOW or verbose else ""
        click.echo(
            f"{click.style(shown(pack.distribution, 80), bold=True)} {shown(pack.version, 40)}: {state}"
        )
        for problem in pack.problems:
            click.secho(f"  {shown(problem, 1000)}", fg="yellow")
    for same in catalog.collisions:
        names = " or ".join(f"{method.distribution}/{method.id}" for method in same)
        click.secho(f"collision: {same[0].kind} {same[0].id!r}; plans write {names}", fg="yellow")
    _end(1 if any(problem.lost for problem in catalog.problems) else 0)


@main.command()
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
    _end(1 if failed or (strict and skipped) else 0)


@main.command()
@click.argument("name")
@click.option("--into", type=_Place(path_type=Path), default=Path(), help="Parent folder (default: here).")
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
    click.echo(
        f"wrote {folder}\nnext: pip install -e {folder} && ownmark check {name}\n"
        f"or, without pip: ownmark --pack {folder} check {name}"
    )


@main.command()
@click.argument("run_folder", type=_Place(exists=True, file_okay=False, path_type=Path))
def report(run_folder: Path) -> None:
    """Write the report of RUN_FOLDER again from its records, and print the matrix."""
    from ownmark.report import write_report

    _print(write_report(run_folder), _console())


def _print(report: Report, console: Console) -> None:
    """The matrix, what went wrong while reading the records, and where the files are."""
    from rich.text import Text

    from ownmark.report import matrix

    console.print(matrix(report.records, report.plan))
    for problem in report.problems:
        console.print(Text(f"note: {shown(problem, 1000)}", style="yellow"))
    console.print(Text(f"{report.summary}  Report: {shown(report.folder / 'report.html')}"), soft_wrap=True)
