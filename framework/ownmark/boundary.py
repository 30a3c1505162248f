"""Where errors end: whatever a command meets becomes one sentence and an exit code that says what it means.

    0   done; `verify`: a claim          2    it cannot be told or done; the sentence says why
    1   `verify`: no claim; `run`: cells failed; `audit`, `check`, `plugins`: something was found
    130 interrupted

A traceback says "bug" to people and 1 to scripts, which would read "not ours". `OWNMARK_TRACEBACK=1` shows it.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import click

from ownmark.errors import OwnmarkError, PlanError
from ownmark.foreign import paragraph
from ownmark.wording import counted

CANNOT_BE_TOLD, INTERRUPTED = 2, 130


class Commands(click.Group):
    """A group whose commands end with sentences, whatever is raised in them."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.UsageError):
            raise
        except (KeyboardInterrupt, click.Abort):
            _say("interrupted; what was finished is kept")
            ctx.exit(INTERRUPTED)
        except BaseException as error:
            if os.environ.get("OWNMARK_TRACEBACK"):
                click.echo(traceback.format_exc(), err=True)
            for sentence in told(error):
                _say(sentence)
            ctx.exit(CANNOT_BE_TOLD)


def told(error: BaseException) -> Iterator[str]:
    """What went wrong, in sentences."""
    if isinstance(error, PlanError):
        yield from (f"error: {problem}" for problem in error.problems)
        yield f"{counted(len(error.problems), 'problem')}; nothing was run"
    elif isinstance(error, OwnmarkError):
        yield f"error: {error}"
    elif isinstance(error, OSError):
        yield f"error: {_named(error)}"
    elif isinstance(error, SystemExit):
        yield f"error: a method or function tried to end the program (exit {error.code}); nothing can be told"
    else:
        yield f"error: {_named(error)} (unexpected; OWNMARK_TRACEBACK=1 shows where)"


def _named(error: BaseException) -> str:
    """Type and text of an error; some raise again when asked for their text."""
    try:
        text = str(error)
    except Exception as worse:
        text = f"its message cannot be made: {type(worse).__name__}"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _say(text: str) -> None:
    """Write to standard error; if nobody reads it, the exit code still speaks."""
    with suppress(OSError):
        click.echo(paragraph(text), err=True)
