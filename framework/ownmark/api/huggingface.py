"""A mark that is embedded while the Trainer of transformers trains the owner's network:

marking = MarkWhileTraining(dataset, "adi")
Trainer(model, arguments, train_dataset=dataset, callbacks=[marking]).train()
marking.mark.save("my-mark")
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import TrainerCallback

from ownmark.api.riding import Embedding


class MarkWhileTraining(TrainerCallback):
    """Adds a scheme's gradients to every step of somebody's training.

    Args:
        data, scheme, options: as for `Embedding`.

    Attributes:
        mark: as `ownmark.mark` returns it, once the training is over; None before.
    """

    def __init__(self, data: Any, scheme: str | Mapping[str, Any] = "adi", **options: Any) -> None:
        self._embedding = Embedding(data, scheme, **options)

    @property
    def mark(self) -> Any:
        """See the class."""
        return self._embedding.mark

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Draw the key; see whether the scheme can ride along."""
        self._embedding.begin(kwargs["model"])

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Add the gradients."""
        self._embedding.step()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Read the mark; keep it with its key."""
        self._embedding.end(kwargs["model"])
