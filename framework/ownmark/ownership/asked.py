"""What is asked of `verify`, checked; and suspects that break off while they are asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ownmark.errors import NotApplicable, OwnmarkError, UnusableAnswer
from ownmark.foreign import shown
from ownmark.importing import named
from ownmark.runner.plan import LEAST_RATE

Answers = Callable[[Tensor], Any]


def require_sense(rate: float | None, budget: int | None) -> None:
    """Options that mean something.

    Raises:
        OwnmarkError: a rate of false positives that is none, or a budget that buys nothing.
    """
    if rate is not None and not (isinstance(rate, int | float) and LEAST_RATE <= rate < 0.5):
        raise OwnmarkError(
            f"--rate {shown(rate, 40)}: expected a rate of false positives, at least {LEAST_RATE:g} and below 0.5"
        )
    if budget is not None and not (isinstance(budget, int) and budget >= 1):
        raise OwnmarkError(f"--budget {shown(budget, 40)}: expected a number of images, one at least")


def guarded(answer: Answers, name: str) -> Answers:
    """`answer`; if it raises, or ends the program, that is no answer.

    Raises:
        UnusableAnswer: from the function that is returned; interrupts by the user pass.
    """

    def ask(x: Tensor) -> Any:
        try:
            return answer(x)
        except (UnusableAnswer, NotApplicable, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise UnusableAnswer(f"{name} broke off: {type(error).__name__}: {error}") from error

    return ask


def imported(name: str) -> Answers:
    """The function `package.module:name`.

    Raises:
        OwnmarkError: there is none, or importing it fails in whatever way.
    """
    try:
        found: Answers = named(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise OwnmarkError(f"{name}: cannot be imported ({type(error).__name__}: {error})") from error
    if not callable(found):
        raise OwnmarkError(f"{name} is no function but {type(found).__name__}")
    return found


def without_numbers(network: nn.Module) -> str | None:
    """Why nothing speaks against the owner where weights are not finite; None where all are."""
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            bad = int((~torch.isfinite(tensor)).sum())
            return (
                f"{bad} of {tensor.numel()} weights in {shown(name, 80)} are no numbers (nan or infinite); such a "
                "network may show that it carries the mark, and not that it does not"
            )
    return None
