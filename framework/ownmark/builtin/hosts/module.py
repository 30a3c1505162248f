"""The user's own network as a host, without writing a pack: anything that can be imported and gives a module."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ownmark.builtin.hosts.layers import Normalize
from ownmark.builtin.hosts.module_config import ModuleConfig
from ownmark.checkpoints import digest_of, read_weights
from ownmark.contracts.host import Host
from ownmark.contracts.loading import load_weights
from ownmark.contracts.tasks import Shape
from ownmark.contracts.views import evaluating
from ownmark.errors import NotApplicable, OwnmarkError
from ownmark.importing import named


def filled(arguments: Mapping[str, Any], shape: Shape, classes: int) -> dict[str, Any]:
    """The arguments with the task's numbers in place of `$classes`, `$channels`, `$height`, `$width`."""
    task = {"$classes": classes, "$channels": shape[0], "$height": shape[1], "$width": shape[2]}
    return {
        name: task.get(value, value) if isinstance(value, str) else value for name, value in arguments.items()
    }


class Scores(nn.Module):
    """A network that answers with a record of many things; this one answers with its `logits` alone."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, classes]."""
        found: torch.Tensor = self.model(x).logits
        return found


def renamed_by_library(model: Any, state: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
    """What a model of transformers makes of a file's names; the state itself if it makes nothing of them."""
    try:
        loaded, about = type(model).from_pretrained(
            None, config=model.config, state_dict=dict(state), output_loading_info=True
        )
    except Exception:  # another model's file: the names that do not fit are told where weights are loaded
        return state
    missing = {str(name) for name in about["missing_keys"]}
    named = {name: tensor for name, tensor in loaded.state_dict().items() if name not in missing}
    return named or state


class Module(Host):
    """`network`, behind `normalize` if there is a mean or a deviation."""

    config: ModuleConfig

    @property
    def name(self) -> str:
        """For messages."""
        return self.config.target

    def build(self, shape: Shape, classes: int) -> nn.Module:
        """See `Host.build`.

        Raises:
            NotApplicable: the target cannot be imported or called, gives no module, or one that does not answer
                images of `shape` with [N, classes].
        """
        network = self._around(self.made(shape, classes), shape[0])
        answer = self._tried(network, shape)
        if isinstance(getattr(answer, "logits", None), torch.Tensor):
            network = self._around(Scores(self._inside(network)), shape[0])
            answer = answer.logits
        self._require_scores(answer, classes)
        return network

    def around(self, bare: nn.Module) -> nn.Module:
        """The network behind a `normalize`."""
        return self._around(bare, max(len(self.config.mean), len(self.config.std)))

    def _around(self, network: nn.Module, channels: int) -> nn.Module:
        if not (self.config.mean or self.config.std):
            return network
        normalize = Normalize(channels, self.config.mean or (0.0,), self.config.std or (1.0,))
        return nn.Sequential(OrderedDict(normalize=normalize, network=network))

    def bare(self, network: nn.Module) -> nn.Module:
        """The network behind `normalize`, without what takes the scores out of its answers."""
        inner = self._inside(network)
        return inner.model if isinstance(inner, Scores) else inner

    def renamed(self, bare: nn.Module, state: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
        """See `Host.renamed`; the library transformers keeps the names of its files when it renames modules."""
        if not type(bare).__module__.startswith("transformers.") or set(state) <= set(bare.state_dict()):
            return state
        return renamed_by_library(bare, state)

    def _inside(self, network: nn.Module) -> nn.Module:
        return network.get_submodule("network") if self.config.mean or self.config.std else network

    def ready(self, network: nn.Module, which: str) -> bool:
        """The weights of the configuration's files.

        Raises:
            NotApplicable: the file does not fit the target, or a null model can be neither read nor trained.
        """
        path = self._file(which)
        if path is None:
            if self.config.weights is not None and self.config.recipe.epochs == 0:
                raise NotApplicable(
                    f"{which} can be neither read nor trained: `recipe` has 0 epochs, and null models that are not "
                    "trained would show nothing. Give `null_weights` (independent networks of yours), or a recipe"
                )
            return False
        try:
            bare = self.bare(network)
            load_weights(bare, self.renamed(bare, read_weights(path).tensors))
        except (OwnmarkError, RuntimeError) as error:
            raise NotApplicable(f"{path}: not the weights of {self.name}: {error}") from error
        return True

    def fingerprint(self, which: str) -> str:
        """Digest of the file."""
        path = self._file(which)
        return "" if path is None else digest_of(path)

    def _file(self, which: str) -> Path | None:
        kind, _, number = which.partition(" ")
        if kind == "seed":
            path = self.config.weights
        else:
            nulls = self.config.null_weights if kind == "null" else ()
            path = nulls[int(number)] if number.isdigit() and int(number) < len(nulls) else None
        return path.expanduser() if path is not None else None

    def made(self, shape: Shape, classes: int) -> nn.Module:
        """A newly drawn network.

        Raises:
            NotApplicable: it cannot be made.
        """
        try:
            made = self._target()(**filled(self.config.arguments, shape, classes))
        except NotApplicable:
            raise
        except Exception as error:
            raise NotApplicable(f"{self.config.target} fails: {type(error).__name__}: {error}") from error
        if not isinstance(made, nn.Module):
            raise NotApplicable(f"{self.config.target} gives {type(made).__name__}, not a torch.nn.Module")
        return made

    def _target(self) -> Callable[..., Any]:
        try:
            found: Callable[..., Any] = named(self.config.target)
        except OwnmarkError as error:
            raise NotApplicable(str(error)) from error
        except (ImportError, AttributeError) as error:
            raise NotApplicable(
                f"{self.config.target} cannot be imported ({error}); install it, or put its folder on PYTHONPATH"
            ) from error
        return found

    def _tried(self, network: nn.Module, shape: Shape) -> Any:
        try:
            with evaluating(network):
                return network(torch.zeros(2, *shape))
        except Exception as error:
            raise NotApplicable(
                f"{self.name} does not take images of {shape}: {type(error).__name__}: {error}"
            ) from error

    def _require_scores(self, answer: Any, classes: int) -> None:
        if not isinstance(answer, torch.Tensor) or answer.shape != (2, classes):
            found = tuple(answer.shape) if isinstance(answer, torch.Tensor) else type(answer).__name__
            raise NotApplicable(f"{self.name} answers 2 images with {found}, not with [2, {classes}]")


def perceptron(inputs: int, classes: int, side: int, width: int = 32) -> nn.Module:
    """An example of what `target` may name: one hidden layer on `inputs` channels of `side` x `side` pixels."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(inputs * side * side, width), nn.ReLU(), nn.Linear(width, classes)
    )
