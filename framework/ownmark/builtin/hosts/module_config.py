"""Parameters of `module`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from ownmark.builtin.hosts.config import APP
from ownmark.config import Positive, Real, configuration
from ownmark.contracts.fit import Recipe, overriding


@configuration
class ModuleConfig:
    """The user's own network."""

    target: str = Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
    """`package.module:name` of a class or function that gives a `torch.nn.Module` with freshly drawn weights."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Given to it by name. The texts `$classes`, `$channels`, `$height`, `$width` stand for the task's numbers."""
    mean: tuple[Real, ...] = ()
    """Subtracted from pixels in [0, 1] before the network, one value or one a channel; empty: it normalises itself."""
    std: tuple[Positive, ...] = ()
    """Divides them then; empty: 1."""
    weights: Path | None = None
    """Trained weights to mark (safetensors, a checkpoint of torch, ...): the owner's network is not trained, and
    `recipe` trains null models only."""
    null_weights: tuple[Path, ...] = ()
    """Files of independently trained networks of the same kind that carry no mark; they are the first null models."""
    recipe: Annotated[Recipe, overriding(APP)] = APP
    """How it is trained (the APP paper's recipe unless told otherwise)."""

    def sources(self) -> tuple[str, ...]:
        """Modules that what this host does depends on."""
        return (self.target.partition(":")[0],)
