"""What commands share: kinds of paths and options, and how a command ends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

VERDICT = {True: 0, False: 1, None: 2}
"""Exit codes: a claim, none, and what cannot be told."""


class Place(click.Path):
    """A path; `~` is the home folder, also where a shell leaves it, as in `--store=~/x` and in OWNMARK_STORE."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Text to a path."""
        return super().convert(os.path.expanduser(value), param, ctx)


def end(code: int) -> None:
    """End the command with an exit code; `sys.exit` would look like a method that ends the program."""
    click.get_current_context().exit(code)


def console() -> Console:
    """Where tables and progress are drawn."""
    from rich.console import Console

    return Console()


folder = Place(exists=True, file_okay=False, path_type=Path)
new_folder = click.option("--into", type=Place(path_type=Path), required=True, help="Folder to make.")
device = click.option("--device", default="auto", show_default=True, help="As for `run`.")
