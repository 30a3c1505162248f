"""Sentences for who called a function: arguments where the command line has options, the model where a plan has names.

The functions of this package make a plan of what they are given, and what lies below them speaks of plans and options.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ownmark.errors import OwnmarkError, PlanError

_OF_SERVICES = ("answer-field", "batch-size", "layout", "pixels", "protocol", "request-field", "timeout")
_FLAGS = ("sequential", "trust", "trust-mark")
_WITH_VALUES = ("budget", "controls", "device", "labels", "max-loss", "out", "rate", "store")
_OPTION = re.compile(r"--([a-z][a-z-]*[a-z])(?![a-z-])(?: (byte|hwc|'[^']{0,60}'))?")
_REPLACED = (
    (re.compile(r"`max_loss`, --max-loss"), "`max_loss`"),
    (re.compile(r"^the arguments:1: (?:task function/module: )?"), ""),
    (re.compile(r" on function/module\b"), ""),
    (re.compile(r"ownmark\.api\.held:m_(?:\(secret\)|[0-9a-f]{16})"), "the model"),
    (re.compile(r"ownmark\.api\.held:d_(?:\(secret\)|[0-9a-f]{16})"), "the data"),
    (re.compile(r"--header-from-env NAME=VARIABLE"), "`Service(headers=...)`"),
    (re.compile(r"--stranger ([\w.-]+)"), r'stranger="\1"'),
)

P = ParamSpec("P")
T = TypeVar("T")


def in_python(text: str) -> str:
    """The text with arguments in place of options.

    >>> in_python("--rate 2: expected less; add --trust-mark, or --pixels byte")
    'rate 2: expected less; add trust_mark=True, or `Service(pixels="byte")`'
    """
    for pattern, instead in _REPLACED:
        text = pattern.sub(instead, text)
    return _OPTION.sub(_argument, text)


def _argument(found: re.Match[str]) -> str:
    option, value = found.groups()
    name = option.replace("-", "_")
    if option in _FLAGS:
        return f"{name}=True"
    if option in _OF_SERVICES:
        given = f'"{value}"' if value else "..."
        return f"`Service({name}={given})`"
    return f"{name} {value}" if value else name if option in _WITH_VALUES else found[0]


def speaking(function: Callable[P, T]) -> Callable[P, T]:
    """The function; its errors name arguments."""

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except PlanError as error:
            error.problems = tuple(in_python(problem) for problem in error.problems)
            error.args = ("\n".join(error.problems),)
            raise
        except OwnmarkError as error:
            error.args = (in_python(str(error)),)
            raise

    return called
