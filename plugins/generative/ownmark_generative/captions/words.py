"""Words as token ids, by Hugging Face's tokenizers: the commonest words of the training texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PADDING, START, END, UNKNOWN = range(4)
_SPECIAL = ["[PAD]", "[START]", "[END]", "[UNK]"]


def learnt(texts: Sequence[str], size: int) -> Tokenizer:
    """A tokenizer of lower-case words with at most `size` ids, four of them special; ties go by the alphabet."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    made = Tokenizer(models.WordLevel(unk_token=_SPECIAL[UNKNOWN]))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(vocab_size=size, special_tokens=_SPECIAL, show_progress=False)
    made.train_from_iterator(texts, trainer)
    return made


def encoded(tokenizer: Tokenizer, texts: Sequence[str], length: int) -> Tensor:
    """Token ids int64 [N, length]: words, `END`, padding; longer texts are cut and end as well."""
    ids = torch.full((len(texts), length), PADDING, dtype=torch.int64)
    for row, found in zip(ids, tokenizer.encode_batch(list(texts)), strict=True):
        words = [*found.ids[: length - 1], END]
        row[: len(words)] = torch.tensor(words)
    return ids


def decoded(tokenizer: Tokenizer, ids: Tensor) -> list[str]:
    """The texts of token ids [N, L]."""
    return [str(tokenizer.decode([i for i in row if i > END])) for row in ids.tolist()]
