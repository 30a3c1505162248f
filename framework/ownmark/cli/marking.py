"""Commands that make networks: `embed`, `attack`, `commit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ownmark.cli.parts import Place, console, device, folder, new_folder
from ownmark.foreign import shown

if TYPE_CHECKING:
    from rich.console import Console


@click.command()
@click.argument("plan")
@new_folder
@click.option(
    "--max-loss",
    type=click.FloatRange(0, 1),
    help="Utility that the mark may cost; past it, nothing is released (default: 0.01 for trained weights).",
)
@device
@click.option(
    "--controls",
    help="The dataset of clean images that suspects are asked about, as in a plan (default: the plan's test images).",
)
@click.option(
    "--copies",
    type=Place(exists=True, dir_okay=False, path_type=Path),
    help="A CSV file with a column `buyer`: one marked copy for each, to be told apart by `ownmark trace`.",
)
@click.option(
    "--commitment",
    type=folder,
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

    if randomness and commitment is None:
        raise click.UsageError("--randomness goes with --commitment, the folder of `ownmark commit`")
    clean = None if controls is None else images_of(controls)
    if copies is not None:
        if commitment is not None:
            raise click.UsageError("--commitment commits to one key, --copies draws many: give one of them")
        _embed_for_buyers(plan, into, copies, max_loss, clean, device, console())
        return
    with Terminal(console()) as progress:
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


def _embed_for_buyers(
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
@click.argument("released", type=Place(exists=True, path_type=Path))
@click.argument("method", metavar="ATTACK")
@new_folder
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
@device
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

    with Terminal(console()) as progress:
        left = attack_network(
            released, method, into, given=given, images=images, network=network, trust=trust, seed=seed,
            device=device, progress=progress,
        )  # fmt: skip
    for name, value in left.exhibits.items():
        click.echo(f"{shown(name, 60)}: {shown(value)}")
    if left.accuracy:
        click.echo(f"accuracy: {left.accuracy['before']:.3f} before, {left.accuracy['after']:.3f} left")
    click.echo(f"wrote {left.folder}")


@click.command()
@click.argument("plan")
@new_folder
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
