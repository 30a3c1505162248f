"""BLEU of token ids (torchmetrics), so that it needs no tokenizer: a word is its id.

Texts end at the first of `END` or padding; neither counts.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torchmetrics.text import BLEUScore

from ownmark_generative.captions.words import END, PADDING, START


def spelled(ids: Tensor) -> str:
    """Token ids [L] as words of digits, up to the end."""
    words = []
    for word in ids.tolist():
        if word in (END, PADDING):
            break
        if word != START:
            words.append(str(word))
    return " ".join(words)


class _Bleu(BLEUScore):
    """Takes token ids."""

    higher_is_better = True
    n = 1

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(n_gram=self.n, **kwargs)

    def update(self, said: Tensor, references: Tensor) -> None:  # type: ignore[override]
        """Texts [N, L] and their references [N, R, L]."""
        super().update(list(map(spelled, said)), [list(map(spelled, some)) for some in references])


class Bleu1(_Bleu):
    """Single words."""


class Bleu2(_Bleu):
    """Up to pairs of words."""

    n = 2


class Bleu3(_Bleu):
    """Up to three words."""

    n = 3


class Bleu4(_Bleu):
    """Up to four words."""

    n = 4
