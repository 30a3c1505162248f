"""Where errors end: whatever a command meets becomes one sentence and an exit code that says what it means.

    0   done; `verify`: a claim          2    it cannot be told or done; the sentence says why
    1   `verify`: no claim; `run`: cells failed; `audit`, `check`, `plugins`: something was found
    130 interrupted

A traceback says "bug" to people and 1 to scripts, which would read "not ours". `OWNMARK_TRACEBACK=1` shows it.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import click

from ownmark.errors import MethodStopped, OwnmarkError, PlanError, Unwritable
from ownmark.foreign import PARAGRAPH, paragraph
from ownmark.wording import counted

CANNOT_BE_TOLD, INTERRUPTED = 2, 130
MOST = 100
"""Problems of a plan that are told one by one."""
UNHEARD = "nobody reads the output any more"


class Commands(click.Group):
    """A group whose commands end with sentences, whatever is raised in them."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the program and end it; what goes wrong before a command begins counts as well."""
        if not standalone_mode or any(name.endswith("_COMPLETE") for name in os.environ):
            return super().main(args, prog_name, complete_var, standalone_mode, **extra)
        try:
            code = super().main(args, prog_name, complete_var, False, **extra)
        except (KeyboardInterrupt, click.Abort):
            _say("interrupted; what was finished is kept")
            code = INTERRUPTED
        except click.ClickException as error:
            with suppress(OSError, ValueError):
                error.show()
            code = error.exit_code
        except BaseException as error:
            if os.environ.get("OWNMARK_TRACEBACK"):
                _say(traceback.format_exc(), 1_000_000)
            for sentence in told(error):
                _say(sentence)
            code = CANNOT_BE_TOLD
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (BrokenPipeError, SystemExit) as error:
            if isinstance(error, BrokenPipeError) or isinstance(
                error.__context__, BrokenPipeError
            ):  # rich exits
                raise Unwritable(UNHEARD) from error
            raise MethodStopped(
                f"a method or function tried to end the program (exit {error.code}); nothing can be told"
            ) from error


def told(error: BaseException) -> Iterator[str]:
    """What went wrong, in sentences."""
    if isinstance(error, PlanError):
        count = len(error.problems)
        yield from (f"error: {problem}" for problem in error.problems[:MOST])
        if count > MOST:
            yield f"... and {count - MOST:,} more"
        yield f"{counted(count, 'problem')}; nothing was run"
    elif isinstance(error, OwnmarkError):
        yield f"error: {error}"
    elif isinstance(error, SystemExit):  # of click, while it shows a help text
        yield f"error: {UNHEARD}"
    elif isinstance(error, OSError):
        yield f"error: {_named(error)}"
    else:
        yield f"error: {_named(error)} (unexpected; OWNMARK_TRACEBACK=1 shows where)"


def _named(error: BaseException) -> str:
    """Type and text of an error; some raise again when asked for their text."""
    try:
        text = str(error)
    except Exception as worse:
        text = f"its message cannot be made: {type(worse).__name__}"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _say(text: str, most: int = PARAGRAPH) -> None:
    """Write to standard error; if nobody reads it, the exit code still speaks."""
    with suppress(OSError, ValueError):  # the second: it was closed
        click.echo(paragraph(text, most), err=True)
