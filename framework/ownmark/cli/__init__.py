"""`ownmark` on the command line: each command a few lines that call a function.

Only click is imported here; whatever is heavy is imported by the command that needs it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from ownmark import __version__
from ownmark.boundary import Commands
from ownmark.cli import asking, keeping, marking, methods, owning, running
from ownmark.cli.parts import folder


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
@click.option(
    "--pack",
    "packs",
    multiple=True,
    type=folder,
    help="Folder of a pack that is not installed (with its pyproject.toml); may be repeated.",
)
def main(packs: tuple[Path, ...]) -> None:
    """Mark neural networks as yours, read the mark back, try to remove it, and learn what can be claimed.

    Start with:  ownmark run quickstart
    """
    for stream in (sys.stdout, sys.stderr):  # a label that cannot be printed must not end a night's run
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    # Threads that spin while they wait cost 4 to 8 x on a shared machine (29 and 39 s instead of 5 and 7 for a digits
    # host) and gain nothing on an idle one (3.9 and 5.3 s, 3.3 and 3.9); read when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if packs:  # in the environment, so that processes of this one find them too
        folders = [*(str(path.resolve()) for path in packs), *filter(None, [os.environ.get("OWNMARK_PACKS")])]
        os.environ["OWNMARK_PACKS"] = os.pathsep.join(folders)


for _command in (
    running.run, running.audit, running.report,
    marking.embed, marking.attack, marking.commit,
    asking.verify, asking.trace, asking.evidence, asking.judge,
    owning.add_reader, owning.recommend,
    keeping.status, keeping.why, keeping.store,
    methods.list_methods, methods.show, methods.plugins, methods.check, methods.new,
):  # fmt: skip
    main.add_command(_command)
