"""Image classifiers of the library transformers as hosts, built from their configuration. Nothing is downloaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import nn
from transformers import AutoConfig, AutoModelForImageClassification

from ownmark.builtin.hosts.module import Module
from ownmark.builtin.hosts.named_config import TransformersConfig
from ownmark.contracts.tasks import Shape
from ownmark.errors import NotApplicable

LARGEST = 2**24
"""Bytes of a configuration, at most."""


class Transformers(Module):
    """A network of a configuration, which answers with its logits alone."""

    config: TransformersConfig  # type: ignore[assignment]

    @property
    def name(self) -> str:
        """For messages."""
        told = self.config.config
        return (
            f"transformers {told.get('model_type', '')}" if isinstance(told, dict) else f"the model of {told}"
        )

    def made(self, shape: Shape, classes: int) -> nn.Module:
        """See `Module.made`."""
        told = self._told()
        size = {"num_channels": shape[0], **({} if shape[1] != shape[2] else {"image_size": shape[1]})}
        fitted = {name: value for name, value in size.items() if name not in told}
        kept = {n: v for n, v in told.items() if n not in ("auto_map", "id2label", "label2id", "num_labels")}
        try:
            kind = str(kept.pop("model_type"))
            config = AutoConfig.for_model(kind, **fitted, **kept, num_labels=classes)
            make: Any = AutoModelForImageClassification
            network: nn.Module = make.from_config(config, trust_remote_code=False)
        except Exception as error:
            raise NotApplicable(f"{self.name} fails: {type(error).__name__}: {error}") from error
        return network

    def _told(self) -> dict[str, Any]:
        told = self.config.config
        if isinstance(told, dict):
            return told
        path = Path(told).expanduser()
        path = path / "config.json" if path.is_dir() else path
        try:
            if path.stat().st_size > LARGEST:
                raise ValueError("too large")
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise NotApplicable(f"{path}: cannot be read as a configuration ({error})") from error
        if not isinstance(found, dict):
            raise NotApplicable(f"{path}: no configuration of a model")
        return found
