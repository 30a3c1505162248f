"""What people's functions and services answer with, as labels or scores: model outputs, dictionaries, names of labels.

Nothing is guessed: an answer that could mean two things stays as it is, and is refused where answers are checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from torch import Tensor

from ownmark.errors import UnusableAnswer
from ownmark.foreign import shown

FIELDS = (
    "logits",
    "probabilities",
    "probs",
    "scores",
    "predictions",
    "outputs",
    "confidences",
    "labels",
    "label",
)
"""Entries of an answer that may hold what was asked for, first match first."""
_NUMBERED = re.compile(r"LABEL_([0-9]{1,7})")
"""What transformers calls labels that nobody named."""
_NUMERAL = re.compile(r"(?:LABEL_)?([0-9]{1,7})")
"""As well, numbers as names of scores: JSON has no others. A bare "7" may as well be the name of another class."""


def plain_answers(answer: Any, count: int, names: Sequence[str] | None) -> Any:
    """The labels or scores in an answer to `count` images.

    Args:
        names: of the task's labels, in order, where answers name them.

    Raises:
        UnusableAnswer: a label that `names` does not have, or names and no list of them.
    """
    answer = _inner(answer)
    if isinstance(answer, tuple) and answer and isinstance(answer[0], Tensor) and answer[0].ndim == 2:
        return answer[0]  # (logits, hidden states, ...)
    if not isinstance(answer, list | tuple) or len(answer) != count or not answer:
        return answer
    first = answer[0]
    if isinstance(first, str):
        return [_number(label, names) for label in answer]
    if isinstance(first, Mapping):
        return [_number(_named(one), names) for one in answer]
    if isinstance(first, list | tuple) and first and isinstance(first[0], Mapping):
        return _ranked(answer, names)
    return answer


def _inner(answer: Any) -> Any:
    """What a dictionary or a model's output holds; None and missing entries are passed over."""
    if isinstance(answer, Mapping):
        held = next((answer[name] for name in FIELDS if answer.get(name) is not None), None)
        return answer if held is None else held
    for name in ("logits", "probabilities"):
        held = getattr(answer, name, None)
        if held is not None and not callable(held) and not isinstance(answer, Tensor):
            return held
    return answer


def _named(answer: Mapping[str, Any]) -> Any:
    for name in ("label", "class", "class_name", "name", "prediction"):
        if name in answer:
            return answer[name]
    raise UnusableAnswer(f"an answer without a label: {shown(dict(answer), 80)}")


def _ranked(answer: Sequence[Sequence[Mapping[str, Any]]], names: Sequence[str] | None) -> list[int]:
    """Labels of `[[{label, score}, ...], ...]`: the best of each list, which need not be sorted or complete."""
    try:
        best = [max(one, key=lambda entry: float(entry.get("score", 0.0))) for one in answer]
    except (TypeError, ValueError, AttributeError) as error:
        raise UnusableAnswer(f"scores that are no numbers: {shown(answer[0], 80)}") from error
    return [_number(_named(one), names, _NUMERAL) for one in best]


def _number(label: Any, names: Sequence[str] | None, numbers: re.Pattern[str] = _NUMBERED) -> int:
    if isinstance(label, int) and not isinstance(label, bool):
        return label
    text = str(label)
    if names is not None and text in names:
        return list(names).index(text)
    numbered = numbers.fullmatch(text)
    if names is None and numbered:
        return int(numbered[1])
    if names is None:
        raise UnusableAnswer(
            "expected labels or probabilities, the answer names labels "
            f"({shown(text, 40)}); say which is which with --labels"
        )
    near = ", ".join(get_close_matches(text, list(names), 5, 0.0))
    raise UnusableAnswer(
        f"the answer names a label {shown(text, 40)!r} that --labels does not have; near: {near}"
    )
