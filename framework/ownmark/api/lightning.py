"""A mark that is embedded while Lightning trains the owner's network:

marking = MarkWhileTraining((images, labels), "adi", network="net")
Trainer(callbacks=[marking]).fit(my_module, my_loader)
marking.mark.save("my-mark")
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
from torch import nn

from ownmark.api.riding import Embedding
from ownmark.errors import OwnmarkError


class MarkWhileTraining(pl.Callback):
    """Adds a scheme's gradients to every step of somebody's training.

    Args:
        data, scheme, options: as for `Embedding`. network: name of the module within the LightningModule that is marked
            and later released; empty: the only one in it.

    Attributes:
        mark: as `ownmark.mark` returns it, once the training is over; None before.
    """

    def __init__(
        self, data: Any, scheme: str | Mapping[str, Any] = "adi", *, network: str = "", **options: Any
    ) -> None:
        self._embedding, self._name = Embedding(data, scheme, **options), network

    @property
    def mark(self) -> Any:
        """See the class."""
        return self._embedding.mark

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw the key; see whether the scheme can ride along."""
        self._embedding.begin(self._network(pl_module))

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Any
    ) -> None:
        """Add the gradients."""
        self._embedding.step()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Read the mark; keep it with its key."""
        self._embedding.end(self._network(pl_module))

    def _network(self, module: nn.Module) -> nn.Module:
        if self._name:
            try:
                return module.get_submodule(self._name)
            except AttributeError as error:
                raise OwnmarkError(
                    f"network: {type(module).__name__} has no module {self._name!r}"
                ) from error
        trained = {n: m for n, m in module.named_children() if any(True for _ in m.parameters())}
        if len(trained) != 1 or any(True for _ in module.parameters(recurse=False)):
            names = ", ".join(trained) or "none"
            raise OwnmarkError(
                f"network: say which module of {type(module).__name__} is marked; it has {names}"
            )
        return next(iter(trained.values()))
