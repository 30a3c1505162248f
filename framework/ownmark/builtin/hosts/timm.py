"""Networks of the library timm as hosts, by name: `{timm: {name: resnet50}}`. Nothing is downloaded."""

from __future__ import annotations

from typing import Any

import timm
from torch import nn

from ownmark.builtin.hosts.module import Module
from ownmark.builtin.hosts.named_config import TimmConfig
from ownmark.contracts.tasks import Shape
from ownmark.errors import NotApplicable


class Timm(Module):
    """A network of `timm.create_model`, freshly drawn or with the owner's weights."""

    config: TimmConfig  # type: ignore[assignment]

    @property
    def name(self) -> str:
        """For messages."""
        return f"timm {self.config.name}"

    def made(self, shape: Shape, classes: int) -> nn.Module:
        """See `Module.made`."""
        given: dict[str, Any] = {"num_classes": classes, "in_chans": shape[0], **self.config.arguments}
        try:
            network: nn.Module = timm.create_model(self.config.name, pretrained=False, **given)
        except Exception as error:
            raise NotApplicable(f"{self.name} fails: {type(error).__name__}: {error}") from error
        return network
