"""Parameters of hosts that other libraries build by name: `timm`, `transformers`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from ownmark.builtin.hosts.config import APP
from ownmark.config import Positive, Real, configuration
from ownmark.contracts.fit import Recipe, overriding

TUNED = APP.change(epochs=10, batch_size=32, lr=0.01, schedule="cosine", augment="none")
"""Of null models: large networks are rarely trained for an experiment alone."""

ELSEWHERE = {
    "checkpoint_path", "pretrained_cfg", "pretrained_cfg_overlay", "cache_dir", "backbone", "backbone_config",
    "use_pretrained_backbone", "use_timm_backbone", "architecture", "model_args", "_name_or_path",
}  # fmt: skip
"""Arguments and entries of configurations with which these libraries read files or ask their hubs."""


@configuration
class NamedConfig:
    """What is the same for all of them; nothing is downloaded.

    Descriptions, since pydantic's dataclasses do not inherit field docstrings.
    """

    mean: tuple[Real, ...] = Field(
        default=(),
        description="Subtracted from pixels in [0, 1] before the network, one value or one a channel; empty: nothing "
        "is. Weights trained on ImageNet mostly want [0.485, 0.456, 0.406].",
    )
    std: tuple[Positive, ...] = Field(
        default=(), description="Divides them then; empty: 1. With that mean, [0.229, 0.224, 0.225]."
    )
    weights: Path | None = Field(
        default=None,
        description="Trained weights of yours to mark, a file or a folder; the owner's network is then not trained.",
    )
    null_weights: tuple[Path, ...] = Field(
        default=(),
        description="Files of independently trained networks of the same kind that carry no mark.",
    )
    recipe: Annotated[Recipe, overriding(TUNED)] = Field(default=TUNED, description="How it is trained.")


@configuration
class TimmConfig(NamedConfig):
    """Parameters of `timm`."""

    name: str = Field(default="resnet18", min_length=1)
    """As `timm.create_model` takes it."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Given to `timm.create_model` beside the numbers of classes and channels."""

    def fetched(self) -> tuple[str, ...]:
        """What timm looks for elsewhere: names with a colon are of a hub or a folder, some arguments name files."""
        return ((self.name,) if ":" in self.name else ()) + tuple(sorted(ELSEWHERE & set(self.arguments)))


@configuration
class TransformersConfig(NamedConfig):
    """Parameters of `transformers`."""

    config: Path | dict[str, Any] = Field(default_factory=lambda: {"model_type": "vit"})
    """A folder with a `config.json`, that file, or what stands in it. Code that it names is never loaded."""

    def fetched(self) -> tuple[str, ...]:
        """Backbones that a configuration names, which the library looks for by itself."""
        return tuple(sorted(ELSEWHERE & set(self.config))) if isinstance(self.config, dict) else ()
